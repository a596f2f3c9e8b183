"""Keep origins, interactions, issues and releases; the only code that speaks SQL."""
