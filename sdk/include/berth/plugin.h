/* The Berth plugin contract, version 1: include this one file. Strict C11 and C++, 64-bit Linux, no dependency.
 *
 * A plugin is a shared object that exports `berth_plugin_v1` and carries a manifest in an ELF note. In C++ write a
 * plain class and include <berth/provider.hpp> instead. Reading order: types.h (words and numbers), data.h (what
 * requests and answers hold), call.h (one call, sinks, sources), host.h (services), provider.h (the methods).
 *
 * The rules. Messages of the host quote their numbers.
 *
 * Versions
 *   V1  Within a major nothing is removed, reordered, renumbered or made required. A new major has a new symbol.
 *   V2  Structs with a `size` only grow; a member is read only when `size` covers it. No padding, no bit-fields, no
 *       `bool`, no enum-typed members. They are passed by pointer, never embedded, never in arrays.
 *   V3  Zero is the safe value of every member. Unknown flags in a request are refused by the host beforehand;
 *       unknown events are skipped; an unknown state reads as ERROR, an unknown error code as INTERNAL.
 *   V4  A field that restricts or promises belongs to a feature. The host refuses it before the plugin is entered
 *       when the plugin lacks the feature: a plugin never sees a restriction it does not know.
 * Memory
 *   M1  Views passed to a function die when it returns; views put into a sink are copied inside.
 *   M2  Nobody frees what the other side allocated.
 *   M3  Descriptors lent by the host stay the host's, are close-on-exec, and die with the call.
 * Errors
 *   E1  No exception, longjmp or signal handler crosses. A method that throws is INTERNAL.
 *   E2  A status other than OK says why through `fail`, unless a source, sink or service of the host returned it.
 *   E3  A method never returns a number of 1000 or above.
 *   E4  OK without the result it stands for (no info, no end of the process) is PROTOCOL_ERROR.
 *   E5  A lost connection is an error with outcome unknown, never a result. NOT_FOUND is a definite answer.
 *   E6  `outcome` is NONE only when certainly nothing happened.
 * Calls
 *   C1  After a cancel or deadline a method returns at once, or opens its clean-up window and returns within it.
 *   C2  Cancelled before anything was started: CANCELLED, outcome NONE. A process that ran and was cancelled is a result.
 *   C3  A create that fails or is cancelled leaves nothing behind.
 *   C4  `ENOUGH` is not a cancel: stop producing, do not kill.
 *   C5  The end of a process is said once, with `ended`; nothing is put out after it.
 * Threads
 *   T1  Methods are [any thread, concurrent]. `open` and `close` are [exclusive] on their instance.
 *   T2  A call, sink, source or exchange is used by one thread at a time, and not after the method returned.
 *   T3  A plugin may start threads after `open`; it has joined them when `close` returns.
 *   T4  No fork of the host, no signal masks or handlers, no setlocale, setenv, chdir or umask. Never wait(-1): only for
 *       one's own children. SIGPIPE is blocked or ignored while a method runs; restore it in what you start.
 *   T5  Never exit or abort; never write to stdout or stderr: use the log.
 * State
 *   S1  No work in static initialisers or in the entry; an instance is ready when `open` returns OK.
 *   S2  `close` is called once, after the last method has returned.
 *   S3  A sandbox outlives the instance that made it; another instance with the same settings finds it again. */
#ifndef BERTH_PLUGIN_H
#define BERTH_PLUGIN_H

#include "provider.h"

#endif
