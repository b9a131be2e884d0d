/*
 * Watches one job, in one thread: events come from ferryd's stream, and the stream's function is
 * also called about once a second when nothing comes, which is when Ctrl-C is looked at.  SIGINT
 * comes through a signalfd, so there is no handler and no flag that both sides share.
 *
 *   1st Ctrl-C  the job is asked to cancel, by a second connection; events go on until it is over
 *   2nd Ctrl-C  the watching ends, the job goes on
 *   stream ends without a final state: ferryd restarts; connect again
 */
#include "cli/watch.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/call.h"
#include "cli/command.h"
#include "cli/job-view.h"

#define AWAY_MAX_MS     60000 /* how long a ferryd may be away, as in a restart */
#define AWAY_PAUSE_MS   500
#define DOUBT_MAX_MS    10000 /* most doubts end by themselves when a link heals */
#define PLAIN_PAUSE_MS  2000  /* between two progress lines of one phase in a log */
#define COLUMNS_DEFAULT 80

struct _FerryWatch {
    const FerryArguments *arguments;
    FerryInterrupt interrupt;
    sigset_t before; /* the signal mask to go back to */
    int signals;
    bool on_terminal;

    char *path_of_job; /* "/v1/jobs/ID" */
    const char *id;
    const char *host; /* (nullable): of a job that is not this host's */
    json_t *job;      /* as the newest event had it */
    unsigned n_interrupts;
    bool left;    /* the user does not want to wait, or need not */
    bool advised; /* of a transfer that comes no nearer to its end */
    size_t n_phases_shown;
    char *shown;        /* the newest progress line */
    int64_t shown_ms;   /* when */
    int64_t contact_ms; /* when ferryd last said something */
    int64_t doubt_ms;   /* since when in doubt, 0 = not */
};

static int64_t
now_ms(void)
{
    const FerryClock *clock = ferry_clock_system();

    return clock->now_ms(clock);
}

FerryWatch *
ferry_watch_new(const FerryArguments *arguments, FerryInterrupt interrupt)
{
    FerryWatch *self = g_new0(FerryWatch, 1);
    sigset_t interrupts;

    self->arguments = arguments;
    self->interrupt = interrupt;
    self->on_terminal = isatty(STDERR_FILENO) && ferry_call_print(arguments) == FERRY_PRINT_TABLE;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &interrupts, &self->before); /* fails for wrong arguments only */
    self->signals = signalfd(-1, &interrupts, SFD_NONBLOCK | SFD_CLOEXEC);
    return self;
}

void
ferry_watch_free(FerryWatch *self)
{
    if (self == NULL)
        return;
    ferry_fd_clear(&self->signals);
    (void)sigprocmask(SIG_SETMASK, &self->before, NULL);
    json_decref(self->job);
    g_free(self->path_of_job);
    g_free(self->shown);
    g_free(self);
}

/* A line that stays. */
static void
say(FerryWatch *self, const char *text)
{
    fprintf(stderr, "%s%s", self->on_terminal ? "\r\033[K" : "", text);
}

/* At most one terminal line, or it would not be overwritten. */
static char *
fit(const char *line)
{
    struct winsize size = { 0 };
    unsigned columns = COLUMNS_DEFAULT;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        columns = size.ws_col;
    return g_utf8_strlen(line, -1) < columns ? g_strdup(line)
                                             : g_utf8_substring(line, 0, (glong)columns - 1);
}

static void
show_progress(FerryWatch *self)
{
    g_autofree char *line = ferry_job_view_progress(self->job);
    g_autofree char *fitted = NULL;
    int64_t now = now_ms();
    bool same_phase = self->shown && strcspn(line, ":") == strcspn(self->shown, ":") &&
                      strncmp(line, self->shown, strcspn(line, ":")) == 0;

    if (g_strcmp0(line, self->shown) == 0)
        return;
    if (!self->on_terminal && same_phase && now - self->shown_ms < PLAIN_PAUSE_MS)
        return;
    if (self->on_terminal) {
        fitted = fit(line);
        say(self, fitted);
    } else {
        fprintf(stderr, "%s\n", line);
    }
    g_free(self->shown);
    self->shown = g_steal_pointer(&line);
    self->shown_ms = now;
}

static void
show(FerryWatch *self)
{
    g_autofree char *phases = NULL;

    if (ferry_call_print(self->arguments) == FERRY_PRINT_JSON) {
        (void)json_dumpf(self->job, stdout, JSON_COMPACT); /* main looks whether stdout works */
        (void)fputc('\n', stdout);
        (void)fflush(stdout);
        return;
    }
    phases = ferry_job_view_phases(self->job, &self->n_phases_shown);
    if (phases)
        say(self, phases);
    if (!ferry_job_view_is_over(self->job))
        show_progress(self);
}

static void
ask_to_cancel(FerryWatch *self)
{
    const char *const segments[] = { "jobs", self->id, "cancel", NULL };
    g_autoptr(FerryClient) client = ferry_call_connect(self->arguments);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    bool asked = ferry_call(client, "POST", segments, NULL, &reply, &error);

    say(self, asked ? "ferry: asked to cancel: waiting until all is undone; Ctrl-C again leaves it "
                      "running\n"
                    : "");
    if (!asked)
        (void)ferry_command_fail(error); /* too late, for one: the job's end decides the code */
}

static void
look_at_interrupts(FerryWatch *self)
{
    struct signalfd_siginfo info;

    while (read(self->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        self->n_interrupts++;
        if (self->n_interrupts == 1 && self->interrupt == FERRY_INTERRUPT_CANCELS)
            ask_to_cancel(self);
        else
            self->left = true;
    }
}

/* A migration that is in doubt may be so for days: its caller is told, and need not wait. */
static void
look_at_doubt(FerryWatch *self)
{
    if (!self->job || !ferry_job_view_is_in_doubt(self->job)) {
        self->doubt_ms = 0;
        return;
    }
    if (self->doubt_ms == 0) {
        self->doubt_ms = now_ms();
        say(self, "ferry: in doubt: no copy of the guest is resumed or removed until it is known "
                  "where it runs\n");
    }
    if (self->interrupt == FERRY_INTERRUPT_CANCELS && now_ms() - self->doubt_ms >= DOUBT_MAX_MS)
        self->left = true;
}

/* M7: said once, with the numbers and what there is to do; the line of progress goes on. */
static void
look_at_divergence(FerryWatch *self)
{
    const char *advice = json_string_value(json_object_get(self->job, "waiting_for"));
    g_autofree char *clean = NULL;

    if (self->advised || advice == NULL ||
        !json_is_true(json_object_get(json_object_get(self->job, "progress"), "diverging")))
        return;
    self->advised = true;
    clean = ferry_table_printable(advice);
    say(self, "ferry: ");
    fprintf(stderr, "%s\n", clean);
}

static bool
is_finished(const FerryWatch *self)
{
    return self->left || (self->job && ferry_job_view_is_over(self->job));
}

static bool
on_event(void *user_data, const char *event, json_t *data)
{
    FerryWatch *self = user_data;

    if (g_strcmp0(event, "job") == 0 && json_is_object(data)) {
        self->contact_ms = now_ms();
        json_decref(self->job);
        self->job = json_incref(data);
        show(self);
    }
    look_at_interrupts(self);
    look_at_doubt(self);
    look_at_divergence(self);
    return !is_finished(self);
}

/* A ferryd that goes down ends its streams, or breaks them; whatever else fails is for the user. */
static bool
may_come_back(FerryWatch *self, const GError *found)
{
    if (found == NULL)
        self->contact_ms = now_ms();
    return found == NULL || (g_error_matches(found, FERRY_ERROR, FERRY_ERROR_PEER) &&
                             now_ms() - self->contact_ms <= AWAY_MAX_MS);
}

/* Until the job is over, or the user leaves, or ferryd is away for too long. */
static bool
follow(FerryWatch *self, GError **error)
{
    g_autofree char *path = g_strconcat(self->path_of_job, "/events", NULL);
    bool told = false;

    self->contact_ms = now_ms();
    while (!is_finished(self)) {
        g_autoptr(FerryClient) client = ferry_call_connect(self->arguments);
        g_autoptr(GError) found = NULL;

        (void)ferry_client_events(client, path, on_event, self, &found);
        if (is_finished(self))
            break;
        if (!may_come_back(self, found)) {
            g_propagate_error(error, g_steal_pointer(&found));
            return false;
        }
        if (found && !told)
            say(self,
                "ferry: ferryd does not answer: waiting for it, for a minute; the job goes on "
                "from its journal\n");
        told = told || found != NULL;
        g_usleep(AWAY_PAUSE_MS * 1000);
        look_at_interrupts(self);
    }
    return true;
}

static int
leave(FerryWatch *self)
{
    say(self, "");
    fprintf(stderr, "ferry: job %s goes on: \"ferry job watch %s\"%s%s shows how it ends\n",
            self->id, self->id, self->host ? " on " : "", self->host ? self->host : "");
    if (self->job && ferry_job_view_is_in_doubt(self->job))
        return FERRY_EXIT_IN_DOUBT;
    return ferry_error_info(FERRY_ERROR_CANCELLED)->exit_code;
}

static int
end(FerryWatch *self)
{
    g_autofree char *text = ferry_job_view_end(self->job);

    say(self, "");
    if (ferry_call_print(self->arguments) == FERRY_PRINT_TABLE)
        (void)fputs(text, stdout);
    return ferry_job_view_exit(self->job);
}

static int
run(FerryWatch *self, const char *const *segments, const char *job_id)
{
    g_autoptr(GError) error = NULL;

    self->id = job_id;
    self->path_of_job = ferry_call_path(segments);
    if (!follow(self, &error)) {
        say(self, "");
        return ferry_command_fail(error);
    }
    return self->job && ferry_job_view_is_over(self->job) ? end(self) : leave(self);
}

int
ferry_watch_run(FerryWatch *self, const char *job_id)
{
    const char *const segments[] = { "jobs", job_id, NULL };

    return run(self, segments, job_id);
}

int
ferry_watch_run_there(FerryWatch *self, const char *host, const char *job_id)
{
    const char *const segments[] = { "hosts", host, "restores", job_id, NULL };

    self->host = host;
    return run(self, segments, job_id);
}
