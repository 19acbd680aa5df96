/* A thread that may make no system call, to test real-time safety. */
#ifndef DMX_TESTS_CALL_TRAP_H
#define DMX_TESTS_CALL_TRAP_H

/* The sanitizers make system calls of their own. */
#if defined(__linux__) && !defined(__SANITIZE_THREAD__) &&                     \
    !defined(__SANITIZE_ADDRESS__)
#define CAN_TRAP 1

/* From here on this thread may only end the process (_exit); any other system
 * call kills it. Exits with 4 where that is not available. */
void trap_system_calls(void);
#endif

#endif
