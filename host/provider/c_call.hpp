// A Call as the plugin sees it: the C struct, its functions, and the memory of what was said and what went wrong
// while the method ran. Every function that a plugin can call passes through guard() or Door, so that no exception and
// no late caller gets into the host. Knows no method.
#pragma once

#include <berth/plugin.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "../base/error.hpp"
#include "../service/call_resources.hpp"
#include "../service/log.hpp"
#include "../service/service_call.hpp"
#include "c_read.hpp"
#include "call.hpp"

namespace berth::inline host_v1 {

/// What became known during one method, for the rule that decides what it comes to.
struct CallRecords {
    /// The last `fail`: the number as the plugin gave it, and its texts, cut, printable, secrets masked.
    struct Reported {
        berth_status code = 0;
        ErrorFields fields;
        std::uint64_t order = 0;
        bool adds_to_passed = false;  ///< only the outcome counts: the reason is what a service said
    };
    /// The last failure that a service answered with, and `cancelled` answers of sinks and services.
    struct Passed {
        Error error;
        std::uint64_t order = 0;
    };
    std::optional<Reported> reported;
    std::optional<Passed> passed;             ///< before the plugin began to clean up: why it does
    std::optional<Passed> passed_in_cleanup;  ///< the last one since then
    std::optional<Error> host_failure;  ///< first failure of the host's own sink, source or handler: ends the call
    std::optional<Error> breach;        ///< first rule of the contract that the plugin broke
};

/// Lives on the stack of the call; the plugin must not use it after the method has returned (rule T2).
class CCall final : public ServiceCall, private CancelWatcher {
public:
    /// `secret_values`: of this request, masked in every text beside the secrets the host knows. Views must outlive it.
    CCall(Call& call, Log& log, std::vector<std::string_view> secret_values = {});
    CCall(const CCall&) = delete;
    CCall& operator=(const CCall&) = delete;
    ~CCall();

    [[nodiscard]] berth_call* face() noexcept { return &face_; }
    [[nodiscard]] Call& call() noexcept { return call_; }

    // --- for services and sinks, any thread ---
    [[nodiscard]] bool stopped() const noexcept override { return call_.stopped(); }
    berth_status cancelled() noexcept override;
    berth_status failed(const Error& error) noexcept override;
    berth_status breach(const Error& error) noexcept override;
    [[nodiscard]] std::optional<Clock::time_point> deadline() const noexcept override { return call_.deadline(); }
    [[nodiscard]] std::optional<Clock::time_point> window_end() const noexcept override {
        return call_.cleanup_until();
    }
    [[nodiscard]] std::optional<Clock::time_point> patience_end() const noexcept override {
        return call_.patience_end();
    }
    void keep(std::unique_ptr<ServiceResource> resource) override;
    /// An object of the host failed: the call ends with this error, and this is what the plugin hears from now on.
    berth_status host_failed(const Error& error) noexcept;
    /// BERTH_OK, or the number of the host's failure.
    [[nodiscard]] berth_status host_state() const noexcept { return host_state_.load(std::memory_order_acquire); }
    /// Nothing was recorded and nothing opened: take_records() would give nothing and close nothing. Without a lock, because
    /// it is so after nearly every call.
    [[nodiscard]] bool is_unremarkable() const noexcept {
        return !has_records_.load(std::memory_order_acquire) && resources_.are_empty();
    }

    /// Runs code of the host for a plugin: what it throws is remembered and becomes a number.
    template <typename Function>
    berth_status guard(Function&& function) noexcept {
        try {
            return function();
        } catch (const Breach& error) {
            return breach(error);
        } catch (const Error& error) {
            return host_failed(error);
        } catch (const std::bad_alloc&) {
            return out_of_memory();
        } catch (const std::exception& error) {
            return host_bug(error.what());
        } catch (...) {
            return host_bug("an exception of unknown type");
        }
    }

    /// Text as a person may see it: secrets masked.
    [[nodiscard]] std::string safe(std::string_view text) const;

    /// What was recorded; called after the method has returned. Closes what services opened for it.
    [[nodiscard]] CallRecords take_records();

private:
    struct Functions;
    void call_cancelled() noexcept override { resources_.cancel(); }
    void close_resources() noexcept;
    [[nodiscard]] ErrorFields copy(const berth_error& error) const;
    void report(const berth_error& error);
    Milliseconds begin_cleanup(Milliseconds wanted);
    /// The records, to write into, with the lock that guards them.
    class Recording;
    berth_status out_of_memory() noexcept;
    berth_status host_bug(const char* what) noexcept;

    Call& call_;
    Log& log_;
    std::vector<std::string_view> secret_values_;
    berth_call face_{};
    mutable std::mutex mutex_;
    CallRecords records_;
    std::atomic<berth_status> host_state_{BERTH_OK};  ///< changes under the lock
    std::atomic<bool> has_records_{false};            ///< the same, and never back
    std::uint64_t order_ = 0;
    bool cleans_up_ = false;
    CallResources resources_;
};

/// The door of a sink or source: one thread at a time, nobody once the method has returned. It cannot help a plugin
/// that comes back after the object is gone: in this process that is a use after free, in the plugin's own thread.
/// A lock of its own because one that can also be shut costs a method half of what a mutex and a flag do.
class Door {
public:
    template <typename Function>
    berth_status enter(CCall& call, Function&& function) noexcept {
        int found = free;
        if (!state_.compare_exchange_strong(found, entered, std::memory_order_acquire) && !wait_to_become(awaited))
            return BERTH_CONTRACT;
        const Inside inside(*this);
        if (const auto state = call.host_state(); state != BERTH_OK) return state;
        return call.guard(function);
    }
    void close() noexcept {
        int found = free;
        if (!state_.compare_exchange_strong(found, closed, std::memory_order_acq_rel)) (void)wait_to_become(closed);
    }

private:
    enum State : int { free, entered, awaited /* entered, and somebody waits */, closed };
    class Inside {
    public:
        explicit Inside(Door& door) noexcept : door_(door) {}
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;
        ~Inside() {
            // Who shuts it may be gone with it before the wake-up, which then only names an address.
            if (door_.state_.exchange(free, std::memory_order_release) == awaited) door_.state_.notify_all();
        }

    private:
        Door& door_;
    };
    /// Waits until nobody is inside and makes it `next`. False: it is closed.
    [[nodiscard]] bool wait_to_become(State next) noexcept;
    std::atomic<int> state_{free};
};

/// Records to keep a plugin's words bearable: cut at a character, marked as cut, printable where not UTF-8.
[[nodiscard]] std::string bearable(std::string_view bytes, std::size_t longest);

}  // namespace berth::inline host_v1
