// The numbered failures of workers. Each has a row in docs/diagnostics.md; a number is never reused.
#pragma once

#include "../base/diagnostic.hpp"

namespace berth::inline host_v1::worker_diagnostics {

/// The worker's process ended while it was needed: it crashed, ended itself, or was killed from outside.
inline constexpr Diagnostic died{"BERTH-W-01", Code::unavailable};
/// The plugin did not return in time after its call had been given up, so its worker was killed.
inline constexpr Diagnostic overran{"BERTH-W-02", Code::unavailable};
/// What came from the worker's process was no message of a worker: it was killed.
inline constexpr Diagnostic broke_protocol{"BERTH-W-03", Code::unavailable};
/// The program of workers is missing or cannot be started.
inline constexpr Diagnostic cannot_start{"BERTH-W-04", Code::unavailable};
/// The plugin did not finish loading in its worker in time.
inline constexpr Diagnostic slow_load{"BERTH-W-05", Code::unavailable};
/// The worker died several times in a row and is not started again yet.
inline constexpr Diagnostic backing_off{"BERTH-W-06", Code::unavailable};
/// The plugin's workers died too often: it is not started any more.
inline constexpr Diagnostic quarantined{"BERTH-W-07", Code::unavailable};
/// What the worker says of the plugin is not what its manifest says.
inline constexpr Diagnostic other_methods{"BERTH-W-08", Code::protocol_error};

/// Somebody, or the machine, ended the process in which a plugin was to be loaded for the first time.
inline constexpr Diagnostic contact_broken_off{"BERTH-W-09", Code::unavailable};
/// While it is loaded, a plugin does what would disturb the host in whose process it is to run.
inline constexpr Diagnostic disturbs_host{"BERTH-W-10", Code::protocol_error};

}  // namespace berth::inline host_v1::worker_diagnostics
