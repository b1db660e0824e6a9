// The one interruption of a run: what is to happen at which contact of the plugin with the host, and whether it has.
#ifndef BERTH_TESTING_INTERRUPTION_HPP
#define BERTH_TESTING_INTERRUPTION_HPP

#include <atomic>
#include <cstdint>

namespace berth::inline sdk_v1::testing {

/// What interrupts the plugin.
enum class Interruption {
    none,
    cancel,  ///< At any contact, the call in which it happens is cancelled.
    event,   ///< At an output, an event of an unknown kind waits: INTERRUPTED, then the same bytes again.
    enough   ///< At a sink, nobody wants more: ENOUGH from then on.
};

/// Which size the structs of the host claim: of version 1.0, of this header, or of a host newer than the plugin.
enum class ContractSize { first, current, newer };

/// Counts contacts and says when the planned one has come. [any thread]
class Plan {
public:
    void set(Interruption kind, std::uint64_t contact) {
        kind_ = kind;
        contact_ = contact;
    }
    Interruption kind() const { return kind_; }
    /// A contact of this kind happens; true when it is the one.
    bool strikes(Interruption kind) {
        if (kind != kind_) return false;
        if (++seen_ != contact_) return false;
        struck_ = true;
        return true;
    }
    bool struck() const { return struck_; }

private:
    Interruption kind_ = Interruption::none;
    std::uint64_t contact_ = 0;
    std::atomic<std::uint64_t> seen_{0};
    std::atomic<bool> struck_{false};
};

}  // namespace berth::inline sdk_v1::testing

#endif
