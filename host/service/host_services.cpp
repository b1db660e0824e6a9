#include "host_services.hpp"

#include <algorithm>
#include <utility>

#include "../base/text.hpp"
#include "admit.hpp"
#include "diagnostics.hpp"
#include "service_call.hpp"
#include "unavailable_services.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr std::uint64_t longest_pointer = 4096;
constexpr std::uint64_t longest_log_message = 2 * Log::longest_message;

/// A view of a plugin's text; what is too long or no text at all is cut or empty.
std::string_view text_of(berth_str text, std::uint64_t longest) noexcept {
    if (text.data == nullptr) return {};
    return {text.data, static_cast<std::size_t>(std::min(text.size, longest))};
}

berth_str view_of(const std::string& text) noexcept {
    return {text.data(), text.size()};
}

/// Fills a setting of whatever size the plugin was built with.
berth_status give(const FlatSettings::Value* value, berth_setting* setting) noexcept {
    if (value == nullptr) return BERTH_END;
    berth_setting full{};
    full.kind = value->kind;
    full.boolean = value->boolean ? 1 : 0;
    full.pointer = view_of(value->pointer);
    if (value->kind == BERTH_SETTING_TEXT) full.text = view_of(value->text);
    full.integer = value->integer;
    full.number = value->number;
    return give_back(full, setting) ? BERTH_OK : BERTH_CONTRACT;
}

LogLevel level_of(int32_t level) noexcept {
    return level >= BERTH_LOG_TRACE && level <= BERTH_LOG_ERROR ? static_cast<LogLevel>(level) : LogLevel::info;
}

/// The sink is the plugin's own function: an exception must not come back through the host's.
berth_status write_to(berth_bytes_sink* sink, const std::string& bytes) noexcept {
    try {
        return sink->write(sink, {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    } catch (...) {
        return BERTH_INTERNAL;
    }
}

}  // namespace

/// The C functions. They see the members through `host_data`.
struct HostServices::Functions {
    static HostServices& of(const berth_host* host) noexcept { return *static_cast<HostServices*>(host->host_data); }

    static void log(const berth_host* host, int32_t level, berth_str message) noexcept {
        if (host == nullptr) return;
        auto& services = of(host);
        services.log_->write(level_of(level), services.provider_, text_of(message, longest_log_message));
    }

    static berth_status setting_get(const berth_host* host, berth_str pointer, berth_setting* setting) noexcept {
        if (host == nullptr) return BERTH_CONTRACT;
        return give(of(host).settings_.find(text_of(pointer, longest_pointer)), setting);
    }

    static berth_status setting_at(const berth_host* host, uint64_t index, berth_setting* setting) noexcept {
        if (host == nullptr) return BERTH_CONTRACT;
        return give(of(host).settings_.at(index), setting);
    }

    static berth_status secret_get(const berth_host* host, berth_call* call, berth_str pointer,
                                   berth_bytes_sink* sink) noexcept {
        auto* const made_for = ServiceCall::of(call);
        if (host == nullptr || made_for == nullptr) return BERTH_CONTRACT;
        if (made_for->stopped()) return made_for->cancelled();
        try {
            return of(host).hand_out(*made_for, std::string(text_of(pointer, longest_pointer)), sink);
        } catch (const Error& error) {
            return made_for->failed(error);
        } catch (...) {
            return BERTH_INTERNAL;
        }
    }

    /// Enters the state service for a call. The table that leads here is handed out only where there is one.
    template <typename Function>
    static berth_status in_state(const berth_host* host, berth_call* call, Function&& function) noexcept {
        auto* const made_for = ServiceCall::of(call);
        if (host == nullptr || made_for == nullptr) return BERTH_CONTRACT;
        return function(*of(host).state_, *made_for);
    }

    static berth_status state_get(const berth_host* host, berth_call* call, berth_str key, berth_bytes_sink* value,
                                  uint64_t* revision) noexcept {
        return in_state(host, call, [&](StateService& state, ServiceCall& made_for) {
            return state.get(made_for, key, value, revision);
        });
    }

    static berth_status state_put(const berth_host* host, berth_call* call, berth_str key, berth_bytes value,
                                  uint64_t expected, uint64_t* revision) noexcept {
        return in_state(host, call, [&](StateService& state, ServiceCall& made_for) {
            return state.put(made_for, key, value, expected, revision);
        });
    }

    static berth_status state_remove(const berth_host* host, berth_call* call, berth_str key,
                                     uint64_t expected) noexcept {
        return in_state(host, call, [&](StateService& state, ServiceCall& made_for) {
            return state.remove(made_for, key, expected);
        });
    }

    static berth_status state_list(const berth_host* host, berth_call* call, berth_str prefix,
                                   berth_pairs_sink* keys) noexcept {
        return in_state(host, call,
                        [&](StateService& state, ServiceCall& made_for) { return state.list(made_for, prefix, keys); });
    }

    static berth_status http_open(const berth_host* host, berth_call* call, const berth_http_request* request,
                                  berth_exchange** exchange) noexcept {
        auto* const made_for = ServiceCall::of(call);
        if (host == nullptr || made_for == nullptr) return BERTH_CONTRACT;
        return of(host).http_.open(*made_for, request, exchange);
    }

    static berth_status websocket_open(const berth_host* host, berth_call* call, const berth_http_request* request,
                                       berth_socket** socket) noexcept {
        auto* const made_for = ServiceCall::of(call);
        if (host == nullptr || made_for == nullptr) return BERTH_CONTRACT;
        return of(host).websocket_.open(*made_for, request, socket);
    }

    static constexpr berth_settings settings{sizeof(berth_settings), 0, &setting_get, &setting_at};
    static constexpr berth_secrets secrets{sizeof(berth_secrets), 0, &secret_get};
    static constexpr berth_state state{sizeof(berth_state), 0, &state_get, &state_put, &state_remove, &state_list};
};

HostServices::HostServices(std::string provider, Settings settings, EnvironmentVariables environment,
                           std::shared_ptr<Log> log, ServicePlaces places, std::shared_ptr<HttpAccess> http)
    : provider_(std::move(provider)),
      settings_(settings.values),
      secrets_(std::move(settings.secrets)),
      environment_(std::move(environment)),
      log_(std::move(log)),
      state_(places.modules.empty() ? nullptr : std::make_unique<StateService>(provider_, std::move(places))),
      http_(provider_, http, log_),
      websocket_(provider_, std::move(http), log_) {
    static const berth_http http_functions = http_table(&Functions::http_open);
    static const berth_websocket websocket_functions = websocket_table(&Functions::websocket_open);
    host_.size = sizeof host_;
    host_.minor = BERTH_CONTRACT_MINOR;
    host_.host_data = this;
    host_.provider_name = view_of(provider_);
    host_.log = &Functions::log;
    host_.settings = &Functions::settings;
    host_.secrets = &Functions::secrets;
    host_.state = state_ ? &Functions::state : &unavailable_state();
    host_.http = http_.is_offered() ? &http_functions : &unavailable_http();
    host_.websocket = websocket_.is_offered() ? &websocket_functions : &unavailable_websocket();
}

berth_status HostServices::hand_out(ServiceCall& call, const std::string& pointer, berth_bytes_sink* sink) const {
    if (sink == nullptr || sink->size < sizeof(berth_bytes_sink) || sink->write == nullptr) {
        return call.breach(
            Error(service_diagnostics::misused_service,
                  "the plugin asked for the secret " + berth::quoted(pointer) + " without a sink to put it in",
                  "report this to the author of the plugin"));
    }
    const auto source = secrets_.find(pointer);
    if (source == secrets_.end()) return BERTH_END;
    // Read anew each time: tokens expire, and files that hold them are replaced.
    const auto value = read_secret(source->second, environment_);
    log_->secrets().add(value);
    const auto taken = write_to(sink, value);
    if (taken == BERTH_OK || taken == BERTH_ENOUGH) return BERTH_OK;
    return call.failed(Error(service_diagnostics::not_taken,
                             "the plugin did not take the secret " + berth::quoted(pointer) + " that it asked for",
                             "report this to the author of the plugin"));
}

}  // namespace berth::inline host_v1
