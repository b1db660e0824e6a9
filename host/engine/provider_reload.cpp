// How the providers of one plugin are exchanged for newer ones while calls go on: all are ready before the first call goes
// to one of them, and one that fails leaves everything as it was.
#include <algorithm>
#include <set>
#include <utility>

#include "../base/text.hpp"
#include "diagnostics.hpp"
#include "feature_admission.hpp"
#include "provider_set.hpp"

namespace berth::inline host_v1 {

/// The sole right to open instances of a slot. Whoever finds one open needs none.
class ProviderSet::Claim {
public:
    Claim(Slot& slot, ActiveCall& call) : slot_(&slot) {
        const ActiveCall::Waking waking(call, [&slot] {
            const std::lock_guard lock(slot.mutex_);
            slot.changed_.notify_all();
        });
        std::unique_lock lock(slot.mutex_);
        slot.changed_.wait(lock, [&] { return !slot.opening_ || call.call().cancelled(); });
        if (!std::exchange(slot.opening_, true)) return;
        lock.unlock();
        slot_ = nullptr;
        call.check();  // throws: it was cancelled
    }
    Claim(Claim&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
    Claim& operator=(Claim&&) = delete;
    ~Claim() {
        if (slot_ == nullptr) return;
        const std::lock_guard lock(slot_->mutex_);
        slot_->opening_ = false;
        ++slot_->attempts_;
        slot_->changed_.notify_all();
    }

private:
    Slot* slot_;
};

/// What takes the place of what a slot holds.
struct ProviderSet::Successor {
    std::unique_ptr<ActiveCall> call;  ///< the Host does not end before it
    Slot* slot;
    Claim claim;
    std::shared_ptr<FoundProvider> found{};
    std::optional<Error> refusal{};  ///< where there was one already
    std::shared_ptr<Provider> provider{};
};

namespace {

Error not_reloaded(std::string_view plugin, const Error& cause) {
    auto fields = cause.fields();
    fields.message =
        "the plugin " + quoted(plugin) + " is not reloaded, and what was there before goes on: " + fields.message;
    fields.details.emplace_back("diagnostic", cause.diagnostic());
    return Error(Diagnostic{engine_diagnostics::not_reloaded.number, cause.code()}, std::move(fields));
}

}  // namespace

std::vector<ProviderSet::Slot*> ProviderSet::slots_of(std::string_view plugin) {
    std::vector<Slot*> found;
    std::set<std::string> others;
    for (auto& slot : slots_) {
        if (slot.configuration_.plugin == plugin)
            found.push_back(&slot);
        else
            others.insert(slot.configuration_.plugin);
    }
    if (!found.empty()) return found;
    throw Error(engine_diagnostics::plugin_not_used,
                "no provider of " + configuration_.source() + " is of the plugin " + quoted(plugin),
                "Those that are used: " + listed(std::vector<std::string>(others.begin(), others.end())));
}

ProviderSet::Successor ProviderSet::successor(Slot& slot, std::unique_ptr<ActiveCall> call) {
    Claim claim(slot, *call);
    Successor next{std::move(call), &slot, std::move(claim)};
    bool was_usable = false;
    bool is_open = false;
    {
        const std::lock_guard lock(slot.mutex_);
        was_usable = !slot.refusal_;
        is_open = slot.provider_ != nullptr;
    }
    try {
        next.found = source_.find(slot.configuration_);
        check_requires(slot.configuration_, most_of(next.found->facts()));
    } catch (const Error& error) {
        next.refusal = error.with_place(slot.configuration_.name, {}, {});
        if (was_usable) throw *next.refusal;
        return next;
    }
    if (is_open) next.provider = open_now(slot.configuration_, *next.found, *next.call);
    return next;
}

std::vector<ProviderStatus> ProviderSet::reload(std::string_view plugin, const Announce& announce) {
    const std::lock_guard one_at_a_time(reloading_);
    const auto slots = slots_of(plugin);
    std::vector<Successor> successors;
    // They close when their last call is over: here, if that was before now, and before the successors' calls end.
    std::vector<std::shared_ptr<Provider>> old;
    try {
        source_.refresh();
        for (auto* slot : slots)
            successors.push_back(successor(*slot, announce(slot->configuration_)));
        if (std::all_of(successors.begin(), successors.end(), [](const auto& next) { return next.refusal; }))
            throw *successors.front().refusal;
    } catch (const Error& cause) {
        throw not_reloaded(plugin, cause);
    }
    std::vector<ProviderStatus> now;
    for (auto& next : successors) {
        {
            const std::lock_guard lock(next.slot->mutex_);
            next.slot->found_ = std::move(next.found);
            next.slot->refusal_ = std::move(next.refusal);
            next.slot->error_.reset();
            old.push_back(std::exchange(next.slot->provider_, std::move(next.provider)));
        }
        now.push_back(status(*next.slot));
    }
    return now;
}

}  // namespace berth::inline host_v1
