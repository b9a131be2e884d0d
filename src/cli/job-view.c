#include "cli/job-view.h"

#include <string.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/quantity.h"
#include "cli/reasons.h"
#include "cli/table.h"

/* What each state means to somebody who waits. */
typedef struct {
    const char *name;
    bool over;
    int exit;         /* of who waited for it */
    const char *verb; /* how the migration ended: "web runs on alpha: the migration to beta …" */
} State;

/* clang-format off */
static const State states[] = {
    { "queued",     false, FERRY_EXIT_DONE,     "is queued" },
    { "running",    false, FERRY_EXIT_DONE,     "is under way" },
    { "cancelling", false, FERRY_EXIT_DONE,     "is being undone" },
    { "in_doubt",   false, FERRY_EXIT_IN_DOUBT, "is in doubt" },
    { "done",       true,  FERRY_EXIT_DONE,     "is done" },
    { "refused",    true,  FERRY_EXIT_NO,       "was refused" },
    { "failed",     true,  FERRY_EXIT_NO,       "failed" },
    { "cancelled",  true,  12,                  "was cancelled" }, /* as FERRY_ERROR_CANCELLED */
};
/* A state of a newer ferryd: wait on. */
static const State unknown = { "unknown", false, FERRY_EXIT_UNKNOWN, "is in a state unknown here" };

/* What a cancellation would do in a phase: docs/handover.md; from HANDOFF on there is no way back. */
static const struct {
    const char *phase, *cancel;
} phases[] = {
    { "plan",     "ends it; nothing was touched" },
    { "check",    "ends it; nothing was touched" },
    { "reserve",  "ends it and frees what was reserved" },
    { "prepare",  "ends it and removes what was made" },
    { "detach",   "undoes all; devices come back at the source" },
    { "transfer", "undoes all; the guest goes on at the source" },
    { "handover", "is heeded until the target got the word, then answered \"too late\"" },
    { "verify",   "ends it, unless the guest is in the file already" },
    { "attach",   "comes too late: the guest is at the target" },
    { "finish",   "comes too late: the guest is at the target" },
    { "undo",     "changes nothing: it is being undone" },
};
/* clang-format on */

static const char *
text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static const State *
state_of(const json_t *job)
{
    for (size_t i = 0; i < G_N_ELEMENTS(states); i++)
        if (g_strcmp0(states[i].name, text_of(job, "state")) == 0)
            return &states[i];
    return &unknown;
}

bool
ferry_job_view_is_over(const json_t *job)
{
    return state_of(job)->over;
}

bool
ferry_job_view_is_in_doubt(const json_t *job)
{
    return g_strcmp0(text_of(job, "state"), "in_doubt") == 0;
}

/* A failure with the name of an error has that error's exit code. */
static int
exit_of_reasons(const json_t *job)
{
    const char *code = text_of(json_array_get(json_object_get(job, "reasons"), 0), "code");

    for (unsigned i = 0; i < FERRY_ERROR_N_CODES; i++)
        if (g_strcmp0(ferry_error_info((FerryErrorCode)i)->name, code) == 0)
            return ferry_error_info((FerryErrorCode)i)->exit_code;
    return FERRY_EXIT_NO;
}

int
ferry_job_view_exit(const json_t *job)
{
    const State *state = state_of(job);

    if (strcmp(state->name, "failed") == 0)
        return exit_of_reasons(job);
    if (strcmp(state->name, "done") == 0 && json_array_size(json_object_get(job, "degraded")) > 0)
        return FERRY_EXIT_DEGRADED;
    return state->exit;
}

/* ", " and @format filled with @quantity, where the number is there. */
static void
append_quantity(GString *text,
                const json_t *object,
                const char *key,
                char *(*format)(uint64_t),
                const char *before,
                const char *after)
{
    const json_t *value = json_object_get(object, key);
    g_autofree char *quantity = NULL;

    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return;
    quantity = format((uint64_t)json_integer_value(value));
    g_string_append_printf(text, "%s%s%s", before, quantity, after);
}

/* From "the guest writes nothing more" to "it goes on as now". */
static void
append_eta(GString *text, const json_t *progress)
{
    bool range = json_integer_value(json_object_get(progress, "eta_max_ms")) >
                 json_integer_value(json_object_get(progress, "eta_ms"));

    append_quantity(text, progress, "eta_ms", ferry_quantity_format_time, ", about ",
                    range ? "" : " left");
    if (range)
        append_quantity(text, progress, "eta_max_ms", ferry_quantity_format_time, " to ", " left");
}

static void
append_transfer(GString *text, const json_t *progress)
{
    json_int_t done = json_integer_value(json_object_get(progress, "bytes"));
    json_int_t total = json_integer_value(json_object_get(progress, "total_bytes"));

    append_quantity(text, progress, "bytes", ferry_quantity_format_bytes, ": ", "");
    append_quantity(text, progress, "total_bytes", ferry_quantity_format_bytes, " of ", "");
    /* Pages that the guest writes to are sent again: more than all may have gone over. */
    if (total > 0 && done >= 0)
        g_string_append_printf(text, ", %d %%", (int)MIN(99.0, (double)done * 100 / (double)total));
    append_quantity(text, progress, "rate_bps", ferry_quantity_format_bytes, ", ", "/s");
    if (json_is_true(json_object_get(progress, "diverging")))
        g_string_append(text, ", no end in sight: the guest writes as fast");
    else if (json_integer_value(json_object_get(progress, "eta_ms")) > 0)
        append_eta(text, progress);
}

char *
ferry_job_view_progress(const json_t *job)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *phase = text_of(job, "phase");
    const char *waiting = text_of(job, "waiting_for");
    const json_t *progress = json_object_get(job, "progress");

    g_string_append(text, phase ? phase : state_of(job)->name);
    if (ferry_job_view_is_in_doubt(job) || g_strcmp0(text_of(job, "state"), "cancelling") == 0)
        g_string_append_printf(text, " (%s)", state_of(job)->verb);
    if (g_strcmp0(phase, "transfer") == 0 && json_is_object(progress))
        append_transfer(text, progress);
    else if (waiting)
        g_string_append_printf(text, ": waiting for %s", waiting);
    return ferry_table_printable(text->str);
}

char *
ferry_job_view_phases(const json_t *job, size_t *n_shown)
{
    const json_t *ended = json_object_get(job, "phases");
    g_autoptr(GString) text = g_string_new(NULL);

    if (json_array_size(ended) <= *n_shown)
        return NULL;
    for (; *n_shown < json_array_size(ended); (*n_shown)++) {
        const json_t *phase = json_array_get(ended, *n_shown);
        const char *name = text_of(phase, "phase");
        g_autofree char *printable = ferry_table_printable(name ? name : "a phase");
        g_string_append(text, printable);
        append_quantity(text, phase, "duration_ms", ferry_quantity_format_time, " took ", "");
        g_string_append_c(text, '\n');
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
append_degraded(GString *text, const json_t *job)
{
    const json_t *list = json_object_get(job, "degraded");
    const json_t *one = NULL;
    size_t i = 0;

    json_array_foreach(list, i, one)
    {
        const char *alias = text_of(one, "alias");
        const char *message = text_of(one, "message");

        g_string_append_printf(text, "%s%s%s%s", i == 0 ? "; degraded: " : "; ",
                               alias ? alias : "a device", message ? ": " : "",
                               message ? message : "");
    }
}

/* "web runs on beta" or, where nobody knows, what is known. */
static void
append_where(GString *text, const json_t *job)
{
    const char *guest = text_of(json_object_get(job, "guest"), "name");
    const char *host = text_of(job, "runs_on");

    g_string_append(text, guest ? guest : "the guest");
    if (host)
        g_string_append_printf(text, " runs on %s: ", host);
    else if (ferry_job_view_is_in_doubt(job))
        g_string_append(text, " is paused, or runs at the target: ");
    else
        g_string_append(text, " runs on neither host: ");
}

/* How each good outcome of a guest and a file is told, around the file. */
static const struct {
    const char *outcome, *before, *after;
} outcomes[] = {
    { "saved", " is saved in ", "" },
    { "restored", " goes on from ", "" },
    { "restored-unverified", " goes on from ", ", which was not verified" },
};

/* A guest that is saved in a file, or was to be, or comes from one. */
static void
append_file(GString *text, const json_t *job)
{
    const char *guest = text_of(json_object_get(job, "guest"), "name");
    const char *file = text_of(job, "file");

    g_string_append(text, guest ? guest : "the guest");
    for (size_t i = 0; i < G_N_ELEMENTS(outcomes); i++)
        if (g_strcmp0(outcomes[i].outcome, text_of(job, "outcome")) == 0) {
            g_string_append_printf(text, "%s%s%s", outcomes[i].before, file, outcomes[i].after);
            return;
        }
    g_string_append_printf(
        text, " %s: %s %s %s", text_of(job, "runs_on") ? "runs on as before" : "is down",
        g_strcmp0(text_of(job, "kind"), "save") == 0 ? "saving it in" : "restoring it from", file,
        state_of(job)->verb);
}

char *
ferry_job_view_end(const json_t *job)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *line = NULL;
    g_autofree char *reasons = NULL;
    const char *target = text_of(job, "target");

    if (text_of(job, "file") != NULL)
        append_file(text, job);
    else
        append_where(text, job);
    if (text_of(job, "file") != NULL) {
        append_quantity(text, job, "elapsed_ms", ferry_quantity_format_time, ", ", "");
    } else if (strcmp(state_of(job)->name, "done") == 0) {
        g_string_append(text, "moved");
        append_quantity(text, job, "elapsed_ms", ferry_quantity_format_time, " in ", "");
        append_quantity(text, job, "blackout_ms", ferry_quantity_format_time, ", blackout ", "");
        append_quantity(text, json_object_get(job, "progress"), "sent_bytes",
                        ferry_quantity_format_bytes, ", ", "");
    } else {
        g_string_append_printf(text, "the migration to %s %s", target ? target : "the target",
                               state_of(job)->verb);
        append_quantity(text, job, "elapsed_ms", ferry_quantity_format_time, " after ", "");
    }
    append_degraded(text, job);
    line = ferry_table_printable(text->str);
    reasons = ferry_reasons_format(json_object_get(job, "reasons"));
    return g_strconcat(line, "\n", reasons, NULL);
}

static const FerryColumn page[] = {
    { "id", "job", FERRY_CELL_TEXT },
    { "guest.name", "guest", FERRY_CELL_TEXT },
    { "guest.uuid", "uuid", FERRY_CELL_TEXT },
    { "source", "source", FERRY_CELL_TEXT },
    { "target", "target", FERRY_CELL_TEXT },
    { "file", "file", FERRY_CELL_TEXT },
    { "state", "state", FERRY_CELL_TEXT },
    { "phase", "phase", FERRY_CELL_TEXT },
    { "since", "since", FERRY_CELL_TEXT },
    { "waiting_for", "waiting for", FERRY_CELL_TEXT },
    { "timer.name", "until", FERRY_CELL_TEXT },
    { "timer.left_ms", "time left", FERRY_CELL_TIME },
    { "began", "began", FERRY_CELL_TEXT },
    { "elapsed_ms", "time", FERRY_CELL_TIME },
    { "parallel", "connections", FERRY_CELL_TEXT },
    { "progress.bytes", "transferred", FERRY_CELL_BYTES },
    { "progress.total_bytes", "of", FERRY_CELL_BYTES },
    { "progress.sent_bytes", "sent", FERRY_CELL_BYTES },
    { "progress.resent_bytes", "sent again", FERRY_CELL_BYTES },
    { "progress.device_bytes", "of devices", FERRY_CELL_BYTES },
    { "progress.rounds", "round", FERRY_CELL_TEXT },
    { "progress.rate_bps", "rate", FERRY_CELL_RATE },
    { "progress.dirty_rate_bps", "guest writes", FERRY_CELL_RATE },
    { "progress.eta_ms", "left", FERRY_CELL_TIME },
    { "progress.eta_max_ms", "left at most", FERRY_CELL_TIME },
    { "runs_on", "runs on", FERRY_CELL_TEXT },
    { "outcome", "outcome", FERRY_CELL_TEXT },
    { "blackout_ms", "blackout", FERRY_CELL_TIME },
    { "predicted_blackout_ms", "predicted", FERRY_CELL_TIME },
    { NULL, NULL, FERRY_CELL_TEXT },
};

static void
append_cancel(GString *text, const json_t *job)
{
    if (ferry_job_view_is_over(job))
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(phases); i++)
        if (g_strcmp0(phases[i].phase, text_of(job, "phase")) == 0)
            g_string_append_printf(text, "\"ferry job cancel\" now %s.\n", phases[i].cancel);
}

/* Between the two the guest was on virtio, or without the device. */
static const struct {
    const char *step, *before, *after;
} steps[] = {
    { "off", "let go within ", "" },
    { "on", "back ", " after the guest ran there" },
};

static void
append_gaps(GString *text, const json_t *job)
{
    const json_t *gap = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(job, "gaps"), i, gap)
    {
        const char *alias = text_of(gap, "alias");
        g_autofree char *clean = ferry_table_printable(alias != NULL ? alias : "a device");

        for (size_t j = 0; j < G_N_ELEMENTS(steps); j++) {
            if (g_strcmp0(text_of(gap, "step"), steps[j].step) != 0)
                continue;
            g_string_append_printf(text, "%s: ", clean);
            append_quantity(text, gap, "duration_ms", ferry_quantity_format_time, steps[j].before,
                            steps[j].after);
            g_string_append_c(text, '\n');
        }
    }
}

char *
ferry_job_view_page(const json_t *job)
{
    g_autofree char *head = ferry_table_format_one(page, job);
    g_autofree char *end = ferry_job_view_end(job);
    g_autofree char *ended = NULL;
    g_autoptr(GString) text = g_string_new(head);
    size_t n_shown = 0;

    ended = ferry_job_view_phases(job, &n_shown);
    if (ended)
        g_string_append_printf(text, "\n%s", ended);
    append_gaps(text, job);
    g_string_append_c(text, '\n');
    if (ferry_job_view_is_over(job) || ferry_job_view_is_in_doubt(job))
        g_string_append(text, end);
    append_cancel(text, job);
    return g_string_free(g_steal_pointer(&text), FALSE);
}
