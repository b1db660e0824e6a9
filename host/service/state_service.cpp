#include "state_service.hpp"

#include <new>
#include <utility>

#include "../base/text.hpp"
#include "diagnostics.hpp"
#include "service_call.hpp"
#include "service_module.hpp"

namespace berth::inline host_v1 {

namespace {

/// A provider's name as the name of a file: letters, digits, `-` and `_` as they are, every other byte as %XX.
std::string file_name(std::string_view provider) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string name;
    for (const char character : provider) {
        const bool plain = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
                           (character >= '0' && character <= '9') || character == '-' || character == '_';
        const auto byte = static_cast<unsigned char>(character);
        if (plain) {
            name += character;
        } else {
            name += {'%', digits[byte >> 4U], digits[byte & 15U]};
        }
    }
    return name;
}

Error misuse(const std::string& what) {
    return {service_diagnostics::misused_service, "the plugin asked the state service " + what,
            "report this to the author of the plugin"};
}

/// 1 to 256 bytes. Throws Error, which is a breach of the contract.
std::string_view key_of(berth_str key) {
    if (key.data == nullptr || key.size == 0 || key.size > StateService::longest_key)
        throw misuse("for a key that is empty or longer than 256 bytes");
    return {key.data, static_cast<std::size_t>(key.size)};
}

std::string_view value_of(berth_bytes value) {
    if (value.size > 0 && value.data == nullptr) throw misuse("to store a value that is nowhere");
    return {reinterpret_cast<const char*>(value.data), static_cast<std::size_t>(value.size)};
}

/// The sink is the plugin's own function: an exception must not come back through the host's.
template <typename Sink, typename Item>
berth_status give(berth_status (*write)(Sink*, Item), Sink* sink, Item item) noexcept {
    try {
        return write(sink, item);
    } catch (...) {
        return BERTH_INTERNAL;
    }
}

berth_status not_taken(ServiceCall& call) {
    return call.failed(Error(service_diagnostics::not_taken,
                             "the plugin did not take the stored state that it asked for",
                             "report this to the author of the plugin"));
}

}  // namespace

StateService::StateService(const std::string& provider, ServicePlaces places)
    : file_(places.state + "/" + file_name(provider) + ".sqlite"), places_(std::move(places)) {}

StateService::~StateService() = default;

StateStore& StateService::store() {
    const std::lock_guard lock(mutex_);
    if (!store_) {
        if (places_.state.empty()) {
            throw Error(service_diagnostics::no_such_service,
                        "the host does not know where to keep the state of plugins",
                        "set HOME or XDG_STATE_HOME to an absolute path");
        }
        auto* const make =
            reinterpret_cast<MakeStateStore*>(module_symbol(places_.modules + "/state.so", make_state_store_symbol));
        store_.reset(make(file_));
        if (!store_) throw std::bad_alloc();
    }
    return *store_;
}

template <typename Function>
berth_status StateService::guarded(ServiceCall& call, Function&& function) noexcept {
    if (call.stopped()) return call.cancelled();
    try {
        return function();
    } catch (const Error& error) {
        return error.diagnostic() == service_diagnostics::misused_service.number ? call.breach(error)
                                                                                 : call.failed(error);
    } catch (const std::bad_alloc&) {
        return BERTH_RESOURCE_EXHAUSTED;
    } catch (...) {
        return BERTH_INTERNAL;
    }
}

/// The number for an answer that is not `done`, its reason told to the call where there is one.
berth_status StateService::unlucky(ServiceCall& call, const StateAnswer& answer) {
    switch (answer.kind) {
        case StateAnswer::Kind::done:
            return BERTH_OK;
        case StateAnswer::Kind::none:
            return BERTH_END;
        case StateAnswer::Kind::given_up:
            return call.cancelled();
        case StateAnswer::Kind::conflict:
            return call.failed(Error(service_diagnostics::state_conflict,
                                     "what the provider keeps was changed by somebody else at the same moment",
                                     "try again"));
        case StateAnswer::Kind::failed:
            break;
    }
    return answer.error ? call.failed(*answer.error) : BERTH_RESOURCE_EXHAUSTED;
}

berth_status StateService::get(ServiceCall& call, berth_str key, berth_bytes_sink* value,
                               std::uint64_t* revision) noexcept {
    return guarded(call, [&] {
        if (value == nullptr || value->size < sizeof(berth_bytes_sink) || value->write == nullptr ||
            revision == nullptr)
            throw misuse("for a value without room for it");
        const auto answer = store().get(call, key_of(key));
        if (answer.kind != StateAnswer::Kind::done) return unlucky(call, answer);
        const berth_bytes bytes{reinterpret_cast<const std::uint8_t*>(answer.value.data()), answer.value.size()};
        const auto taken = give(value->write, value, bytes);
        if (taken != BERTH_OK && taken != BERTH_ENOUGH) return not_taken(call);
        *revision = answer.revision;
        return berth_status{BERTH_OK};
    });
}

berth_status StateService::put(ServiceCall& call, berth_str key, berth_bytes value, std::uint64_t expected,
                               std::uint64_t* revision) noexcept {
    return guarded(call, [&] {
        if (revision == nullptr) throw misuse("to store a value without room for its revision");
        const auto name = key_of(key);
        const auto bytes = value_of(value);
        if (bytes.size() > longest_value) {
            throw Error(service_diagnostics::state_too_large,
                        "the provider wanted to keep " + std::to_string(bytes.size()) +
                            " bytes under one key; at most 1 MiB is kept",
                        "keep less in this sandbox, such as fewer environment variables");
        }
        const auto answer = store().put(call, name, bytes, expected);
        if (answer.kind != StateAnswer::Kind::done) return unlucky(call, answer);
        *revision = answer.revision;
        return berth_status{BERTH_OK};
    });
}

berth_status StateService::remove(ServiceCall& call, berth_str key, std::uint64_t expected) noexcept {
    return guarded(call, [&] { return unlucky(call, store().remove(call, key_of(key), expected)); });
}

berth_status StateService::list(ServiceCall& call, berth_str prefix, berth_pairs_sink* keys) noexcept {
    return guarded(call, [&] {
        if (keys == nullptr || keys->size < sizeof(berth_pairs_sink) || keys->put == nullptr ||
            prefix.size > longest_key || (prefix.size > 0 && prefix.data == nullptr))
            throw misuse("for keys without room for them, or with a prefix that no key can have");
        const std::string_view wanted{prefix.data, static_cast<std::size_t>(prefix.size)};
        const auto answer = store().list(call, wanted);
        if (answer.kind != StateAnswer::Kind::done) return unlucky(call, answer);
        for (const auto& key : answer.keys) {
            const berth_pair pair{{key.data(), key.size()}, {"", 0}, 0};
            const auto taken = give<berth_pairs_sink, const berth_pair*>(keys->put, keys, &pair);
            if (taken == BERTH_ENOUGH) break;
            if (taken != BERTH_OK) return not_taken(call);
        }
        return berth_status{BERTH_OK};
    });
}

}  // namespace berth::inline host_v1
