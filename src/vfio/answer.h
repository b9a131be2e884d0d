#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/** What the receiver of a stream tells its source, as JSON in an ANSWER frame. */
typedef enum {
    FERRY_VFIO_ANSWER_ACCEPTED, /* the description fits: send */
    FERRY_VFIO_ANSWER_REFUSED,  /* it does not, for these reasons: nothing was touched */
    FERRY_VFIO_ANSWER_ACKED,    /* this device has loaded this round of initial data */
    FERRY_VFIO_ANSWER_LOADED,   /* all devices took their state; they are in STOP */
    FERRY_VFIO_ANSWER_RUNNING,  /* they run */
    FERRY_VFIO_ANSWER_FAILED,   /* given up, for this reason; the devices were reset */
    FERRY_N_ANSWERS
} FerryVfioAnswerKind;

typedef struct {
    FerryVfioAnswerKind kind;
    unsigned device; /* ACKED */
    unsigned round;  /* ACKED */
    char **reasons;  /* (transfer full) (nullable): REFUSED: one or more; FAILED: one */
} FerryVfioAnswer;

/** Returns: (transfer full): its text */
char *ferry_vfio_answer_format(const FerryVfioAnswer *answer);

/** Returns: false with FERRY_ERROR_PEER when @text is no answer; keys that are not known are
 *           ignored, as from any peer */
bool ferry_vfio_answer_parse(const char *text, FerryVfioAnswer *ret, GError **error);
void ferry_vfio_answer_clear(FerryVfioAnswer *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryVfioAnswer, ferry_vfio_answer_clear)
