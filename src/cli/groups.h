#pragma once

#include "cli/command.h"

/** The command groups, one a file; see FerryCommand. */
int ferry_cli_pki(int argc, char **argv);
