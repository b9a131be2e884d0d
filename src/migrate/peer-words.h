#pragma once

#include "migrate/ops.h"

/*
 * How two ferryds say things to each other about a job, as JSON: the question "my record is X,
 * what is yours" and its answer.  Both ends of the wire are here, so they cannot drift apart.
 */

/** Returns: (transfer none): "reserve", "go" …: the last segment of /v1/peer/jobs/ID/… */
const char *ferry_ask_name(FerryAsk ask);

/** Returns: what the record of S means in the target's table; DONE needs its outcome, see below */
FerrySaid ferry_said_of_record(FerryRecordKind kind);

/**
 * Returns: (transfer full): {"record": "…", "domain": "…", "change": N, …details}
 */
json_t *ferry_answer_format(const FerryAnswer *answer, uint64_t change);

/** @ret: (out): its details are the whole of @json.  Unknown words make it know nothing. */
void ferry_answer_parse(json_t *json, FerryAnswer *ret);
