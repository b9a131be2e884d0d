#pragma once

#include "cli/arguments.h"

/** "ferry guest start" and "ferry guest stop"; each returns the exit code. */
int ferry_guest_start(FerryArguments *arguments);
int ferry_guest_stop(FerryArguments *arguments);

extern const FerryOption ferry_guest_start_options[];
extern const FerryOption ferry_guest_stop_options[];
