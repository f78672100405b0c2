// Exit statuses of all commands, as in sysexits.h.
export const EXIT_OK = 0;
/** The command line was wrong. */
export const EXIT_USAGE = 64;
/** Bad or damaged data. */
export const EXIT_DATA = 65;
/** The input is not there. */
export const EXIT_NO_INPUT = 66;
/** A broken invariant: our bug. */
export const EXIT_SOFTWARE = 70;
export const EXIT_IO = 74;
/** Another process writes to the directory. */
export const EXIT_BUSY = 75;
