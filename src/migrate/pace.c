#include "migrate/pace.h"

#define RETRY_MAX_MS 5000 /* section 7: go_retry_ms and libvirt_retry_ms double up to this */
#define ALARM_MS     5000
#define LOOK_MAX_MS  1000

FerryStep
ferry_pace_wait(FerryPace *self, int64_t wait_ms)
{
    self->wait_ms = wait_ms;
    return FERRY_STEP_WAIT;
}

FerryStep
ferry_pace_wait_long(FerryPace *self, int64_t first_ms, int64_t waited_ms, int64_t left_ms)
{
    int64_t pause_ms = CLAMP(waited_ms / 4, first_ms, LOOK_MAX_MS);

    return ferry_pace_wait(self, MIN(pause_ms, MAX(left_ms, 1)));
}

FerryStep
ferry_pace_retry(FerryPace *self, int64_t first_ms)
{
    int64_t pause_ms = first_ms << MIN(self->tries, 16U);

    self->tries++;
    return ferry_pace_wait(self, MIN(pause_ms, RETRY_MAX_MS));
}

FerryStep
ferry_pace_again(FerryPace *self)
{
    self->tries = 0;
    return FERRY_STEP_AGAIN;
}

FerryStep
ferry_pace_alarm(FerryPace *self, FerryJob *job)
{
    ferry_job_set_state(job, FERRY_JOB_IN_DOUBT);
    ferry_job_set_waiting(job,
                          "a person: what is seen of the two guests cannot be (was one of them "
                          "resumed or destroyed by hand?); nothing is touched; compare "
                          "\"ferry job show\" and \"virsh domstate --reason\" on both hosts");
    return ferry_pace_wait(self, ALARM_MS);
}
