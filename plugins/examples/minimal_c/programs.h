/* The five built-in programs, and how one is ended from outside: by its time limit, a cancel, a signal, a restart. Knows
 * nothing of files. */
#ifndef MINIMAL_C_PROGRAMS_H
#define MINIMAL_C_PROGRAMS_H

#include <poll.h>
#include <time.h>

#include "boxes.h"

static int64_t now_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static berth_status say(berth_call* call, berth_process_sink* sink, int32_t stream, berth_str what) {
    const berth_bytes bytes = {(const uint8_t*)what.data, what.size};
    berth_status status = BERTH_INTERRUPTED;
    while (status == BERTH_INTERRUPTED) { /* an event waits: read it, then offer the same bytes again */
        berth_event event = {0};
        event.size = sizeof event;
        status = sink->output(sink, stream, bytes);
        while (status == BERTH_INTERRUPTED && call->next_event(call, &event) == BERTH_OK)
            event.size = sizeof event;
    }
    return status;
}

/* How often the sandbox was restarted; destroyed counts as once more than ever. */
static uint64_t restarts_of(provider* self, berth_str id) {
    pthread_mutex_lock(&self->lock);
    const box* in = find(self, id);
    const uint64_t restarts = in == NULL ? UINT64_MAX : in->restarts;
    pthread_mutex_unlock(&self->lock);
    return restarts;
}

/* Sleeps, at most until its time limit; a cancel, a kill, a restart or a destroy ends it. */
static void sleep_for(provider* self, berth_call* call, berth_str id, int64_t milliseconds, int64_t timeout,
                      berth_process_end* end) {
    const int64_t begin = now_ms(CLOCK_MONOTONIC);
    const int64_t length = timeout > 0 && timeout < milliseconds ? timeout : milliseconds;
    const uint64_t restarts = restarts_of(self, id);
    end->signal = 15;
    for (;;) {
        const int64_t left = begin + length - now_ms(CLOCK_MONOTONIC);
        struct pollfd events = {call->events_fd(call), POLLIN, 0};
        berth_event event = {0};
        event.size = sizeof event;
        end->kind = BERTH_ENDED_KILLED;
        if (restarts_of(self, id) != restarts) return;
        while (call->next_event(call, &event) == BERTH_OK) {
            if (event.kind == BERTH_EVENT_SIGNAL && (event.signal == 15 || event.signal == 9)) {
                end->signal = event.signal;
                return;
            }
            event.size = sizeof event;
        }
        end->kind = BERTH_ENDED_CANCELLED;
        if (call->cancelled(call)) return;
        end->kind = BERTH_ENDED_TIMEOUT;
        if (left <= 0 && length < milliseconds) return;
        end->kind = BERTH_ENDED_EXITED;
        if (left <= 0) {
            end->signal = 0;
            return;
        }
        poll(&events, 1, left < 50 ? (int)left : 50);
    }
}

/* The program that the process asks for; `end` says afterwards how it ended. */
static void run_program(provider* self, berth_call* call, berth_str id, const berth_process* process,
                        berth_process_sink* sink, berth_process_end* end) {
    const berth_str* args = process->args.data;
    if (equal(process->command, text("echo"))) {
        for (uint64_t n = 0; n < process->args.count; ++n) {
            if (n != 0) say(call, sink, BERTH_STDOUT, text(" "));
            say(call, sink, BERTH_STDOUT, args[n]);
        }
        say(call, sink, BERTH_STDOUT, text("\n"));
    } else if (equal(process->command, text("cat")) && process->args.count == 0) {
        const berth_str input = {(const char*)process->input.data, process->input.size};
        if (input.data != NULL) say(call, sink, BERTH_STDOUT, input);
    } else if (equal(process->command, text("sleep")) && process->args.count == 1) {
        char seconds[32] = "";
        memcpy(seconds, args[0].data, args[0].size < 31 ? args[0].size : 31);
        sleep_for(self, call, id, (int64_t)(strtod(seconds, NULL) * 1000), process->environment->timeout_ms.value, end);
    } else if (equal(process->command, text("false"))) {
        end->exit_code = 1;
    } else if (!equal(process->command, text("true"))) {
        say(call, sink, BERTH_STDERR, text("minimal_c: the programs are echo, cat, sleep, true and false\n"));
        end->exit_code = 127;
    }
}

#endif
