// A provider whose plugin lives in a worker: opened like one in this process, and when its worker dies, the calls that were
// in it end with what happened, and the next call gets a new worker. Knows no routing and no admission.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "../base/error.hpp"
#include "../plugin/prepared_plugin.hpp"
#include "../provider/direct_provider.hpp"
#include "../provider/provider.hpp"
#include "worker_process.hpp"

namespace berth::inline host_v1 {

/// Deaths that were too many.
struct WorkerDeaths {
    std::size_t count = 0;
    std::chrono::seconds within{};
    std::string last;        ///< "was killed by signal 11 (Segmentation fault)"
    std::string last_words;  ///< of that one, what it wrote; lines
};

/// What is known of the workers of one plugin file beyond one provider. Any thread.
class WorkerQuarantine {
public:
    virtual ~WorkerQuarantine() = default;
    /// Why no worker may be started with this file, if that is so now.
    [[nodiscard]] virtual std::optional<Error> refusal() = 0;
    /// Its workers died too often. What a person can do about it, in a sentence.
    [[nodiscard]] virtual std::string begin(const WorkerDeaths& deaths) = 0;
    /// One died before its plugin was open: no provider is left that could count.
    virtual void died_opening(const WorkerDeaths& one) = 0;
};

struct WorkerProviderOptions {
    DirectProviderOptions provider;
    PreparedPlugin plugin;  ///< the bytes that every worker loads, whatever becomes of the file
    WorkerStarter start;
    std::shared_ptr<WorkerQuarantine> quarantine{};  ///< none: it lasts as long as this provider
};

/// Starts a worker and opens an instance in it; `call` bounds that. Throws Error with provider and operation.
///
/// Methods that do no more when done twice are tried once more on a new worker when theirs died, if nothing of their answer
/// had been handed on.
[[nodiscard]] std::unique_ptr<Provider> open_worker_provider(Call& call, WorkerProviderOptions options);

}  // namespace berth::inline host_v1
