// The providers of one configuration: each is inspected at the start, opened when first needed, once, and kept with its
// error when that fails. Knows neither files nor requests.
#pragma once

#include <condition_variable>
#include <cstdint>
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
        [[nodiscard]] const ProviderFacts& facts() const noexcept { return facts_; }
        [[nodiscard]] Gate& gate() noexcept { return gate_; }

    private:
        friend class ProviderSet;
        const ProviderConfiguration& configuration_;
        ProviderFacts facts_;
        std::optional<Error> refusal_;  ///< found at inspection: final
        Gate gate_;

        mutable std::mutex mutex_;  ///< guards what follows
        std::condition_variable changed_;
        std::shared_ptr<Provider> provider_;
        std::optional<Error> error_;  ///< of the newest attempt to open
        std::uint64_t attempts_ = 0;
        bool opening_ = false;
    };

    /// Inspects all. Throws BERTH-E-11 when none can be used; the others keep their errors. `configuration`, `source`
    /// and `watchdog` must outlive this.
    ProviderSet(const Configuration& configuration, ProviderSource& source, Watchdog& watchdog);

    /// Of a name in the configuration.
    [[nodiscard]] Slot& slot(const ProviderConfiguration& provider);
    /// The running instance; opens it when nobody has. Others wait meanwhile, each as long as its own call lasts. What
    /// failed is tried again by the next call.
    [[nodiscard]] std::shared_ptr<Provider> open(Slot& slot, ActiveCall& call);
    [[nodiscard]] std::vector<ProviderStatus> status() const;
    [[nodiscard]] ProviderStatus status(const Slot& slot) const;
    /// Lets go of all instances: each closes when its last call is over.
    void close();

private:
    void inspect(Slot& slot);
    [[nodiscard]] bool wait_for_others(Slot& slot, ActiveCall& call);
    [[nodiscard]] std::shared_ptr<Provider> open_now(Slot& slot, ActiveCall& call);
    void check_requires(const ProviderConfiguration& provider, const Offer& offer) const;

    const Configuration& configuration_;
    ProviderSource& source_;
    Watchdog& watchdog_;
    std::list<Slot> slots_;
};

}  // namespace berth::inline host_v1
