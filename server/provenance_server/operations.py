"""Every operation there is: the one list that HTTP, the CLI, MCP and the reference are made from."""

from __future__ import annotations

from typing import Any

from provenance_core.access import Scope
from provenance_server import (
    access_answers,
    access_arguments,
    answers,
    arguments,
    grouping_answers,
    sourcemap_answers,
    sourcemap_arguments,
)
from provenance_server.operation import Operation

GET_ERROR_ISSUES = Operation(
    "get_error_issues",
    arguments.ListIssues,
    answers.IssueList,
    "GET",
    "/api/error-issues",
    "List error issues",
    Scope.READ,
)
GET_ERROR_ISSUE = Operation(
    "get_error_issue",
    arguments.GetIssue,
    answers.IssueDetail,
    "GET",
    "/api/error-issues/{issueId}",
    "Read an error issue",
    Scope.READ,
)
GET_ERROR_ISSUE_EVENTS = Operation(
    "get_error_issue_events",
    arguments.ListEvents,
    answers.EventList,
    "GET",
    "/api/error-issues/{issueId}/events",
    "List an issue's events",
    Scope.READ,
)
UPDATE_ERROR_ISSUE_STATUS = Operation(
    "update_error_issue_status",
    arguments.UpdateStatus,
    answers.ChangedIssue,
    "PATCH",
    "/api/error-issues/{issueId}/status",
    "Change an issue's status",
    Scope.TRIAGE,
)
GET_RELEASES = Operation(
    "get_releases",
    arguments.ListReleases,
    answers.ReleaseList,
    "GET",
    "/api/origins/{origin}/releases",
    "List releases",
    Scope.READ,
)
CREATE_RELEASE = Operation(
    "create_release",
    arguments.CreateRelease,
    answers.CreatedRelease,
    "POST",
    "/api/origins/{origin}/releases",
    "Create a release",
    Scope.WRITE,
    lambda answer: 201 if answer.created else 200,
)
_RELEASE = "/api/origins/{origin}/releases/{release}"

GET_RELEASE = Operation(
    "get_release", sourcemap_arguments.ReleaseOf, answers.Release, "GET", _RELEASE, "Read a release", Scope.READ
)
DELETE_RELEASE = Operation(
    "delete_release",
    sourcemap_arguments.ReleaseOf,
    sourcemap_answers.DeletedRelease,
    "DELETE",
    _RELEASE,
    "Delete a release and its source maps",
    Scope.WRITE,
)
LIST_SOURCEMAPS = Operation(
    "list_sourcemaps",
    sourcemap_arguments.ListSourcemaps,
    sourcemap_answers.ArtifactList,
    "GET",
    _RELEASE + "/sourcemaps",
    "List a release's source maps and generated files",
    Scope.READ,
)
CHECK_SOURCEMAPS = Operation(
    "check_sourcemaps",
    sourcemap_arguments.CheckSourcemaps,
    sourcemap_answers.MissingSourcemaps,
    "POST",
    _RELEASE + "/sourcemaps/missing",
    "Say which files a release lacks",
    Scope.WRITE,
)
RESOLVE_FRAMES = Operation(
    "resolve_frames",
    sourcemap_arguments.ResolveFrames,
    sourcemap_answers.ResolvedStack,
    "POST",
    "/api/sourcemaps/resolve",
    "Resolve frames by source maps",
    Scope.READ,
)
EXPLAIN_SOURCEMAPS = Operation(
    "explain_sourcemaps",
    sourcemap_arguments.ExplainSourcemaps,
    sourcemap_answers.SourceMapExplanation,
    "GET",
    "/api/interactions/{id}/sourcemaps",
    "Explain why an event's frames are resolved or not",
    Scope.READ,
)
RECORD_INTERACTION = Operation(
    "record_interaction",
    arguments.RecordInteraction,
    answers.Interaction,
    "POST",
    "/api/interactions",
    "Record an interaction",
    Scope.INGEST,
    lambda answer: 200 if answer.duplicate else 201,
)
LIST_INTERACTIONS = Operation(
    "list_interactions",
    arguments.ListInteractions,
    answers.InteractionList,
    "GET",
    "/api/interactions",
    "List interactions",
    Scope.READ,
)
GET_INTERACTION = Operation(
    "get_interaction",
    arguments.GetById,
    answers.Interaction,
    "GET",
    "/api/interactions/{id}",
    "Read an interaction",
    Scope.READ,
)
EXPLAIN_GROUPING = Operation(
    "explain_grouping",
    arguments.ExplainGrouping,
    grouping_answers.Grouping,
    "GET",
    "/api/interactions/{id}/grouping",
    "Explain why an event is in its issue",
    Scope.READ,
)


def _created(_: object) -> int:
    return 201


LIST_ORIGINS = Operation(
    "list_origins", arguments.ListAll, answers.OriginList, "GET", "/api/origins", "List origins", Scope.READ
)
CREATE_ORIGIN = Operation(
    "create_origin",
    arguments.CreateOrigin,
    answers.Origin,
    "POST",
    "/api/origins",
    "Create an origin",
    Scope.ADMIN,
    _created,
)
GET_ORIGIN = Operation(
    "get_origin", arguments.GetById, answers.OriginDetail, "GET", "/api/origins/{id}", "Read an origin", Scope.READ
)
UPDATE_ORIGIN = Operation(
    "update_origin",
    arguments.UpdateOrigin,
    answers.Origin,
    "PATCH",
    "/api/origins/{id}",
    "Change an origin",
    Scope.ADMIN,
)
DELETE_ORIGIN = Operation(
    "delete_origin", arguments.GetById, answers.Deleted, "DELETE", "/api/origins/{id}", "Delete an origin", Scope.ADMIN
)

_TYPES, _ACTIONS = "/api/resource-types", "/api/actions"

LIST_RESOURCE_TYPES = Operation(
    "list_resource_types", arguments.ListAll, answers.WordList, "GET", _TYPES, "List resource types", Scope.READ
)
CREATE_RESOURCE_TYPE = Operation(
    "create_resource_type",
    arguments.CreateWord,
    answers.Word,
    "POST",
    _TYPES,
    "Create a resource type",
    Scope.ADMIN,
    _created,
)
GET_RESOURCE_TYPE = Operation(
    "get_resource_type", arguments.GetById, answers.Word, "GET", _TYPES + "/{id}", "Read a resource type", Scope.READ
)
UPDATE_RESOURCE_TYPE = Operation(
    "update_resource_type",
    arguments.UpdateWord,
    answers.Word,
    "PATCH",
    _TYPES + "/{id}",
    "Change a resource type",
    Scope.ADMIN,
)
DELETE_RESOURCE_TYPE = Operation(
    "delete_resource_type",
    arguments.GetById,
    answers.Deleted,
    "DELETE",
    _TYPES + "/{id}",
    "Delete a resource type",
    Scope.ADMIN,
)
LIST_ACTIONS = Operation(
    "list_actions", arguments.ListAll, answers.WordList, "GET", _ACTIONS, "List actions", Scope.READ
)
CREATE_ACTION = Operation(
    "create_action", arguments.CreateWord, answers.Word, "POST", _ACTIONS, "Create an action", Scope.ADMIN, _created
)
GET_ACTION = Operation(
    "get_action", arguments.GetById, answers.Word, "GET", _ACTIONS + "/{id}", "Read an action", Scope.READ
)
UPDATE_ACTION = Operation(
    "update_action", arguments.UpdateWord, answers.Word, "PATCH", _ACTIONS + "/{id}", "Change an action", Scope.ADMIN
)
DELETE_ACTION = Operation(
    "delete_action", arguments.GetById, answers.Deleted, "DELETE", _ACTIONS + "/{id}", "Delete an action", Scope.ADMIN
)

CREATE_KEY = Operation(
    "create_key",
    access_arguments.CreateKey,
    access_answers.CreatedKey,
    "POST",
    "/api/keys",
    "Create an API key",
    Scope.ADMIN,
    _created,
)
LIST_KEYS = Operation(
    "list_keys", access_arguments.ListKeys, access_answers.KeyList, "GET", "/api/keys", "List API keys", Scope.ADMIN
)
REVOKE_KEY = Operation(
    "revoke_key",
    access_arguments.RevokeKey,
    access_answers.ApiKey,
    "DELETE",
    "/api/keys/{id}",
    "Revoke an API key",
    Scope.ADMIN,
)
GET_ACCESS = Operation(
    "get_access",
    access_arguments.NoArguments,
    access_answers.AccessAnswer,
    "GET",
    "/api/access",
    "Say what the caller may",
    Scope.READ,
)
LIST_ACTIVITY = Operation(
    "list_activity",
    access_arguments.ListActivity,
    access_answers.ActivityList,
    "GET",
    "/api/activity",
    "List what was changed, by whom",
    Scope.READ,
)
LIST_CHANGES = Operation(
    "list_changes",
    access_arguments.ListChanges,
    access_answers.ChangeList,
    "GET",
    "/api/changes",
    "Say what happened to issues since",
    Scope.READ,
)

OPERATIONS: tuple[Operation[Any, Any], ...] = (
    GET_ERROR_ISSUES,
    GET_ERROR_ISSUE,
    GET_ERROR_ISSUE_EVENTS,
    UPDATE_ERROR_ISSUE_STATUS,
    GET_RELEASES,
    CREATE_RELEASE,
    GET_RELEASE,
    DELETE_RELEASE,
    LIST_SOURCEMAPS,
    CHECK_SOURCEMAPS,
    RESOLVE_FRAMES,
    EXPLAIN_SOURCEMAPS,
    RECORD_INTERACTION,
    LIST_INTERACTIONS,
    GET_INTERACTION,
    EXPLAIN_GROUPING,
    LIST_ORIGINS,
    CREATE_ORIGIN,
    GET_ORIGIN,
    UPDATE_ORIGIN,
    DELETE_ORIGIN,
    LIST_RESOURCE_TYPES,
    CREATE_RESOURCE_TYPE,
    GET_RESOURCE_TYPE,
    UPDATE_RESOURCE_TYPE,
    DELETE_RESOURCE_TYPE,
    LIST_ACTIONS,
    CREATE_ACTION,
    GET_ACTION,
    UPDATE_ACTION,
    DELETE_ACTION,
    CREATE_KEY,
    LIST_KEYS,
    REVOKE_KEY,
    GET_ACCESS,
    LIST_ACTIVITY,
    LIST_CHANGES,
)
