// A provider whose plugin lives in a worker: opened like one in this process, and when its worker dies, the calls that were
// in it end with what happened, and the next call gets a new worker. Knows no routing and no admission.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "../plugin/plugin_file.hpp"
#include "../provider/direct_provider.hpp"
#include "../provider/provider.hpp"
#include "worker_process.hpp"

namespace berth::inline host_v1 {

struct WorkerProviderOptions {
    DirectProviderOptions provider;
    std::string path;       ///< the file that the worker loads
    FileIdentity identity;  ///< and what it must still be
    Manifest manifest;
    WorkerStarter start;
    /// Its workers died too often: `why` in a sentence. It is not started any more. May be empty.
    std::function<void(std::string_view why)> quarantine{};
};

/// Starts a worker and opens an instance in it; `call` bounds that. Throws Error with provider and operation.
///
/// Methods that do no more when done twice are tried once more on a new worker when theirs died, if nothing of their answer
/// had been handed on.
[[nodiscard]] std::unique_ptr<Provider> open_worker_provider(Call& call, WorkerProviderOptions options);

}  // namespace berth::inline host_v1
