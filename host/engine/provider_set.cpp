#include "provider_set.hpp"

#include <algorithm>
#include <utility>

#include "../base/text.hpp"
#include "diagnostics.hpp"
#include "feature_admission.hpp"
#include "no_usable_provider.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr Milliseconds open_deadline{30'000};

/// A failure that says something about who tried, and nothing about the provider.
bool gave_up(const Error& error) {
    return error.code() == Code::cancelled || error.code() == Code::timeout;
}

}  // namespace

Offer most_of(const ProviderFacts& facts) {
    Offer offer;
    offer.methods = facts.methods;
    for (const auto& feature : facts.features)
        offer.features.push_back({feature, true, {}});
    return offer;
}

ProviderSet::Slot::Slot(const ProviderConfiguration& described)
    : configuration_(described), gate_(described.max_concurrency, described.max_streams) {}

ProviderSet::ProviderSet(const Configuration& configuration, ProviderSource& source, Watchdog& watchdog)
    : configuration_(configuration), source_(source), watchdog_(watchdog) {
    const Error* first = nullptr;
    std::size_t usable = 0;
    for (const auto& provider : configuration.providers) {
        auto& slot = slots_.emplace_back(provider);
        find(slot);
        if (!slot.refusal_) {
            ++usable;
        } else if (first == nullptr) {
            first = &*slot.refusal_;
        }
    }
    if (usable > 0) return;
    ErrorFields fields;
    fields.message = "no provider of " + configuration.source() + " can be used";
    if (first != nullptr) fields.hint = std::string("The first one: ") + first->what();
    std::vector<Error> reasons;
    for (const auto& slot : slots_) {
        fields.details.emplace_back(slot.configuration_.name, slot.refusal_->what());
        reasons.push_back(*slot.refusal_);
    }
    throw NoUsableProvider(std::move(fields), std::move(reasons));
}

void ProviderSet::find(Slot& slot) {
    try {
        slot.found_ = source_.find(slot.configuration_);
        check_requires(slot.configuration_, most_of(slot.found_->facts()));
    } catch (const Error& error) {
        slot.refusal_ = error.with_place(slot.configuration_.name, {}, {});
    }
}

void ProviderSet::check_requires(const ProviderConfiguration& provider, const Offer& offer) const {
    std::vector<std::string> required;
    for (const auto& requirement : provider.requires_)
        required.push_back(requirement.name);
    const auto missing = unmet(offer, required);
    if (missing.empty()) return;
    // The place of the first one that is missing: its name begins the text.
    const auto place = std::find_if(provider.requires_.begin(), provider.requires_.end(), [&](const auto& requirement) {
        return missing.front() == requirement.name || missing.front().starts_with(requirement.name + " (");
    });
    ErrorFields fields;
    fields.message = "the plugin " + provider.plugin + " lacks what `requires` asks for: " + listed(missing);
    fields.hint = "Take it out of `requires`, or configure a plugin that has it: `berth plugin ls`";
    if (place != provider.requires_.end() && place->place.known())
        fields.location = configuration_.location(place->place);
    throw Error(engine_diagnostics::requires_unmet, std::move(fields));
}

ProviderSet::Slot& ProviderSet::slot(const ProviderConfiguration& provider) {
    return *std::find_if(slots_.begin(), slots_.end(),
                         [&](const Slot& slot) { return &slot.configuration_ == &provider; });
}

std::shared_ptr<Provider> ProviderSet::open(Slot& slot, ActiveCall& call) {
    while (!wait_for_others(slot, call)) {
    }
    std::shared_ptr<FoundProvider> found;
    {
        const std::lock_guard lock(slot.mutex_);
        if (slot.provider_) return slot.provider_;
        found = slot.found_;
    }
    std::shared_ptr<Provider> provider;
    std::optional<Error> error;
    try {
        provider = open_now(slot.configuration_, *found, call);
    } catch (...) {
        error = call.current_failure();
    }
    const std::lock_guard lock(slot.mutex_);
    slot.opening_ = false;
    ++slot.attempts_;
    slot.provider_ = provider;
    slot.error_ = error;
    slot.changed_.notify_all();
    if (error) throw *error;
    return provider;
}

/// True when it is open, or it is now ours to open. Throws why it cannot be opened at all.
bool ProviderSet::wait_for_others(Slot& slot, ActiveCall& call) {
    const ActiveCall::Waking waking(call, [&slot] {
        const std::lock_guard lock(slot.mutex_);
        slot.changed_.notify_all();
    });
    std::unique_lock lock(slot.mutex_);
    if (slot.refusal_) throw *slot.refusal_;
    if (slot.provider_) return true;
    if (!slot.opening_) {
        slot.opening_ = true;
        return true;
    }
    const auto attempt = slot.attempts_;
    slot.changed_.wait(lock, [&] { return slot.attempts_ != attempt || call.call().cancelled(); });
    if (slot.attempts_ == attempt) {
        lock.unlock();
        call.check();
        return false;
    }
    if (slot.provider_) return true;
    if (slot.error_ && !gave_up(*slot.error_)) throw *slot.error_;
    return false;
}

std::shared_ptr<Provider> ProviderSet::open_now(const ProviderConfiguration& configuration, FoundProvider& found,
                                                ActiveCall& call) {
    Call::Options options;
    options.method = "open";
    options.deadline = later(Call::Clock::now(), open_deadline);
    if (const auto own = call.call().deadline(); own && *own < *options.deadline) options.deadline = own;
    const auto deadline = *options.deadline;
    Call opening(std::move(options));
    const auto watch = watchdog_.until(opening, deadline);
    const auto pass_on = [&opening, &call] {
        if (const auto reason = call.call().cancel_reason()) opening.cancel(*reason);
    };
    const ActiveCall::Waking waking(call, pass_on);
    pass_on();  // a cancel may have come before anybody listened
    try {
        std::shared_ptr<Provider> provider = found.open(opening);
        check_requires(configuration, provider->offer());
        return provider;
    } catch (const Error& error) {
        const bool own_deadline = error.code() == Code::cancelled && !call.call().cancelled();
        if (!own_deadline || opening.cancel_reason() != CancelReason::deadline)
            throw error.with_place(configuration.name, "open", {});
        auto fields = error.fields();
        fields.message = "opening the provider did not finish within " + duration_text(open_deadline);
        fields.hint = "See whether its backend answers";
        throw Error(engine_diagnostics::timed_out, std::move(fields)).with_place(configuration.name, "open", {});
    }
}

ProviderStatus ProviderSet::status(const Slot& slot) const {
    ProviderStatus status;
    status.name = slot.configuration_.name;
    status.plugin = slot.configuration_.plugin;
    const std::lock_guard lock(slot.mutex_);
    if (slot.found_) {
        const auto& facts = slot.found_->facts();
        status.plugin_file = facts.plugin_file;
        status.plugin_version = facts.plugin_version;
        status.methods = facts.methods;
        status.warnings = facts.warnings;
    }
    status.error = slot.refusal_;
    if (slot.provider_) {
        status.state = ProviderStatus::State::open;
        status.methods = slot.provider_->offer().methods;
        status.features = slot.provider_->offer().features;
    } else if (slot.refusal_ || slot.error_) {
        status.state = ProviderStatus::State::refused;
        if (!status.error) status.error = slot.error_;
    }
    return status;
}

std::vector<ProviderStatus> ProviderSet::status() const {
    std::vector<ProviderStatus> all;
    for (const auto& slot : slots_)
        all.push_back(status(slot));
    return all;
}

void ProviderSet::close() {
    for (auto& slot : slots_) {
        std::shared_ptr<Provider> provider;
        {
            const std::lock_guard lock(slot.mutex_);
            provider.swap(slot.provider_);
        }
        // Closing waits for calls, and so it happens outside the lock.
        provider.reset();
    }
}

}  // namespace berth::inline host_v1
