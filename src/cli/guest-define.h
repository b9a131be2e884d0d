#pragma once

#include "cli/command.h"

/** Commands of "ferry guest" that have a file of their own; see FerryVerb. */
extern const FerryOption ferry_guest_define_options[];
int ferry_guest_define(FerryArguments *arguments);

extern const FerryOption ferry_guest_add_device_options[];
int ferry_guest_add_device(FerryArguments *arguments);
