#pragma once

#include "cli/command.h"

/** The command groups, one a file; see FerryCommand. */
int ferry_cli_check(int argc, char **argv);
int ferry_cli_device(int argc, char **argv);
int ferry_cli_guest(int argc, char **argv);
int ferry_cli_host(int argc, char **argv);
int ferry_cli_job(int argc, char **argv);
int ferry_cli_mdev(int argc, char **argv);
int ferry_cli_migrate(int argc, char **argv);
int ferry_cli_pf(int argc, char **argv);
int ferry_cli_reservation(int argc, char **argv);
int ferry_cli_reserve(int argc, char **argv);
int ferry_cli_resolve(int argc, char **argv);
int ferry_cli_compat(int argc, char **argv);
int ferry_cli_pki(int argc, char **argv);
int ferry_cli_pool(int argc, char **argv);
