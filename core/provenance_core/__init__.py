"""Hold the pure domain of the error tracker: values in, values out."""
