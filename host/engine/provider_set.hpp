// The providers of one configuration: each is found at the start, opened when first needed, once, and kept with its error
// when that fails; exchanged for a newer one when its plugin is reloaded. Knows neither files nor requests.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "active_call.hpp"
#include "gate.hpp"
#include "host.hpp"
#include "provider_source.hpp"

namespace berth::inline host_v1 {

class ProviderSet {
public:
    /// One provider, from the start to the end of the Host.
    class Slot {
    public:
        explicit Slot(const ProviderConfiguration& described);
        [[nodiscard]] const ProviderConfiguration& configuration() const noexcept { return configuration_; }
        [[nodiscard]] Gate& gate() noexcept { return gate_; }

    private:
        friend class ProviderSet;
        const ProviderConfiguration& configuration_;
        Gate gate_;

        mutable std::mutex mutex_;  ///< guards what follows
        std::condition_variable changed_;
        std::shared_ptr<FoundProvider> found_;  ///< null when it was not found
        std::optional<Error> refusal_;          ///< it cannot be opened as it was found
        std::shared_ptr<Provider> provider_;
        std::optional<Error> error_;  ///< of the newest attempt to open
        std::uint64_t attempts_ = 0;
        bool opening_ = false;
    };

    /// Finds all. Throws BERTH-E-11 when none can be used; the others keep their errors. `configuration`, `source`
    /// and `watchdog` must outlive this.
    ProviderSet(const Configuration& configuration, ProviderSource& source, Watchdog& watchdog);

    /// Of a name in the configuration.
    [[nodiscard]] Slot& slot(const ProviderConfiguration& provider);
    /// The running instance; opens it when nobody has. Others wait meanwhile, each as long as its own call lasts. What
    /// failed is tried again by the next call.
    [[nodiscard]] std::shared_ptr<Provider> open(Slot& slot, ActiveCall& call);
    [[nodiscard]] std::vector<ProviderStatus> status() const;
    [[nodiscard]] ProviderStatus status(const Slot& slot) const;

    /// The call that opening an instance anew for a provider is bounded by.
    using Announce = std::function<std::unique_ptr<ActiveCall>(const ProviderConfiguration&)>;
    /// Finds the plugin's providers anew and opens a new instance beside each that is open; when all are ready, calls that
    /// begin go to the new ones. The old ones close when their last call is over. Throws BERTH-E-21 when one of them cannot
    /// take its place, and then all stay as they are; BERTH-E-22 when no provider is of that plugin. One at a time.
    std::vector<ProviderStatus> reload(std::string_view plugin, const Announce& announce);
    /// Lets go of all instances: each closes when its last call is over.
    void close();

private:
    class Claim;
    struct Successor;

    void find(Slot& slot);
    [[nodiscard]] bool wait_for_others(Slot& slot, ActiveCall& call);
    [[nodiscard]] std::shared_ptr<Provider> open_now(const ProviderConfiguration& provider, FoundProvider& found,
                                                     ActiveCall& call);
    [[nodiscard]] std::vector<Slot*> slots_of(std::string_view plugin);
    [[nodiscard]] Successor successor(Slot& slot, std::unique_ptr<ActiveCall> call);
    void check_requires(const ProviderConfiguration& provider, const Offer& offer) const;

    const Configuration& configuration_;
    ProviderSource& source_;
    Watchdog& watchdog_;
    std::list<Slot> slots_;
    std::mutex reloading_;  ///< taken before the mutex of any slot
};

}  // namespace berth::inline host_v1
