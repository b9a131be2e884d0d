#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/** What the receiver of a stream tells its source, as JSON in an ANSWER frame. */
typedef enum {
    FERRY_ANSWER_ACCEPTED, /* the description fits: send */
    FERRY_ANSWER_REFUSED,  /* it does not, for these reasons: nothing was touched */
    FERRY_ANSWER_ACKED,    /* this device has loaded this round of initial data */
    FERRY_ANSWER_LOADED,   /* all devices took their state; they are in STOP */
    FERRY_ANSWER_RUNNING,  /* they run */
    FERRY_ANSWER_FAILED,   /* given up, for this reason; the devices were reset */
    FERRY_N_ANSWERS
} FerryAnswerKind;

typedef struct {
    FerryAnswerKind kind;
    unsigned device; /* ACKED */
    unsigned round;  /* ACKED */
    char **reasons;  /* (transfer full) (nullable): REFUSED: one or more; FAILED: one */
} FerryAnswer;

/** Returns: (transfer full): its text */
char *ferry_answer_format(const FerryAnswer *answer);

/** Returns: false with FERRY_ERROR_PEER when @text is no answer; keys that are not known are
 *           ignored, as from any peer */
bool ferry_answer_parse(const char *text, FerryAnswer *ret, GError **error);
void ferry_answer_clear(FerryAnswer *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryAnswer, ferry_answer_clear)
