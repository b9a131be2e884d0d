#pragma once

#include "cli/arguments.h"

/** "ferry guest save" and "ferry guest restore": rows of "ferry guest". */
extern const FerryOption ferry_guest_save_options[];
extern const FerryOption ferry_guest_restore_options[];

int ferry_guest_save(FerryArguments *arguments);
int ferry_guest_restore(FerryArguments *arguments);
