/* batchd calendar: when an expression elapses. */
#pragma once

/* argv[0] is "calendar". Returns an exit status. */
int calendar_command(int argc, char **argv);
