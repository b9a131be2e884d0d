#pragma once

#include "api/handler.h"

/** POST /v1/hook; data: FerryLife */
extern const FerryRoute ferry_hook_routes[];

/** GET, POST /v1/guests/{}/start, POST /v1/guests/{}/stop; data: FerryLife */
extern const FerryRoute ferry_guest_start_routes[];
