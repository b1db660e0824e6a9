// The fake host itself: what a plugin gets at open, all services in memory, and the rules it is held to.
#ifndef BERTH_TESTING_FAKE_HOST_HPP
#define BERTH_TESTING_FAKE_HOST_HPP

#include <memory>

#include "fake_files.hpp"
#include "fake_process.hpp"
#include "fake_services.hpp"
#include "fake_websocket.hpp"

namespace berth::inline sdk_v1::testing {

/// Make one for each test; it must outlive the Instance that is opened on it. A breach of a rule that rules().take()
/// was not asked for ends the program when it dies.
class FakeHost : public berth_host {
public:
    explicit FakeHost(ContractSize contract_size = ContractSize::current) : berth_host{} {
        shared_.size = contract_size;
        testing::detail::claim(static_cast<berth_host&>(*this), contract_size);
        minor = contract_size == ContractSize::newer ? BERTH_CONTRACT_MINOR + 1 : BERTH_CONTRACT_MINOR;
        host_data = this;
        provider_name = ::berth::detail::text("test");
        berth_host::log = [](const berth_host* raw, std::int32_t level, berth_str text) noexcept {
            from(raw).keep(static_cast<LogLevel>(level), ::berth::detail::view(text));
        };
        give_settings();
        give_secrets();
        give_state();
        http_.open = [](const berth_host* raw, berth_call* call, const berth_http_request* request,
                        berth_exchange** exchange) noexcept -> berth_status {
            const FakeCall::Use use{FakeCall::from(call), "open of a request"};
            return from(raw).http_.start(FakeCall::from(call), *request, exchange);
        };
        websocket_.open = [](const berth_host* raw, berth_call* call, const berth_http_request* request,
                             berth_socket** socket) noexcept -> berth_status {
            const FakeCall::Use use{FakeCall::from(call), "open of a socket"};
            return from(raw).websocket_.start(FakeCall::from(call), *request, socket);
        };
        berth_host::http = &http_;
        berth_host::websocket = &websocket_;
    }
    FakeHost(const FakeHost&) = delete;
    FakeHost& operator=(const FakeHost&) = delete;

    /// A value of the configuration: setting("/port", 80), setting("/regions", std::vector<std::string>{"eu"}).
    FakeHost& setting(std::string_view pointer, const SettingValue& value) {
        settings_.set(pointer, value);
        return *this;
    }
    /// A secret of the configuration. It must show up in no log line, no message of an error, and no unmarked header.
    FakeHost& secret(std::string_view pointer, std::string value) {
        shared_.secrets.push_back(value);
        secret_values_[std::string{pointer}] = std::move(value);
        return *this;
    }
    /// An older or restricted host: state, http and websocket are not offered.
    FakeHost& without_services() {
        berth_host::state = nullptr;
        berth_host::http = nullptr;
        berth_host::websocket = nullptr;
        return *this;
    }
    FakeHttp& http() { return http_; }
    FakeWebSockets& websockets() { return websocket_; }
    FakeState& state() { return state_; }
    /// What the plugin has logged so far.
    std::vector<LogLine> log_lines() {
        const ::berth::detail::Locking locking{&lock_};
        return log_lines_;
    }
    Rules& rules() { return shared_.rules; }

    /// Interrupts the plugin at its n-th contact of that kind, counted from 1 over all calls of this host.
    void interrupt(Interruption kind, std::uint64_t contact) { shared_.plan.set(kind, contact); }
    /// Whether the planned interruption has happened.
    bool was_interrupted() const { return shared_.plan.struck(); }
    /// How many exchanges and sockets the plugin left for the host to close.
    std::uint64_t left_open() const { return shared_.exchanges_left_open; }

    Shared& shared() { return shared_; }
    /// Keeps what a call was made of until the host dies, so that its late use is seen and not a crash.
    template <class Kept>
    Kept& keep(std::unique_ptr<Kept> kept) {
        Kept& reference = *kept;
        const ::berth::detail::Locking locking{&lock_};
        kept_.push_back(std::shared_ptr<void>(std::move(kept)));
        return reference;
    }
    void close_all(FakeCall& call) {
        shared_.exchanges_left_open += http_.close_all(call) + websocket_.close_all(call);
    }

private:
    static FakeHost& from(const berth_host* raw) { return *static_cast<FakeHost*>(raw->host_data); }

    void keep(LogLevel level, std::string_view text) {
        if (is_dead(text)) rules().broken("M1", "a view that had died was used as a log line");
        const ::berth::detail::Locking locking{&lock_};
        for (const std::string& value : shared_.secrets)
            if (!value.empty() && text.find(value) != std::string_view::npos)
                rules().broken("secret", "a log line holds a secret");
        log_lines_.push_back({level, std::string{text}});
    }
    void give_settings() {
        settings_.get = [](const berth_host* raw, berth_str pointer, berth_setting* to) noexcept {
            return from(raw).settings_.find(::berth::detail::view(pointer), to);
        };
        settings_.at = [](const berth_host* raw, std::uint64_t index, berth_setting* to) noexcept {
            return from(raw).settings_.nth(index, to);
        };
        berth_host::settings = &settings_;
    }
    void give_secrets() {
        secrets_.size = sizeof secrets_;
        secrets_.get = [](const berth_host* raw, berth_call* call, berth_str pointer,
                          berth_bytes_sink* sink) noexcept -> berth_status {
            const FakeCall::Use use{FakeCall::from(call), "get of a secret"};
            if (FakeCall::from(call).stopped()) return FakeCall::from(call).host_stops();
            const auto found = from(raw).secret_values_.find(std::string{::berth::detail::view(pointer)});
            if (found == from(raw).secret_values_.end()) return BERTH_END;
            return sink->write(sink, ::berth::detail::bytes(found->second));
        };
        berth_host::secrets = &secrets_;
    }
    void give_state() {
        state_.get = [](const berth_host* raw, berth_call* call, berth_str key, berth_bytes_sink* sink,
                        std::uint64_t* revision) noexcept -> berth_status {
            const FakeCall::Use use{FakeCall::from(call), "get of stored state"};
            if (FakeCall::from(call).stopped()) return FakeCall::from(call).host_stops();
            const ::berth::detail::Locking locking{&from(raw).lock_};
            const auto found = from(raw).state_.values.find(std::string{::berth::detail::view(key)});
            if (found == from(raw).state_.values.end()) return BERTH_END;
            *revision = found->second.revision;
            return sink->write(sink, ::berth::detail::bytes(found->second.value));
        };
        state_.put = [](const berth_host* raw, berth_call* call, berth_str key, berth_bytes value,
                        std::uint64_t expected, std::uint64_t* revision) noexcept -> berth_status {
            const FakeCall::Use use{FakeCall::from(call), "put of stored state"};
            if (FakeCall::from(call).stopped()) return FakeCall::from(call).host_stops();
            const ::berth::detail::Locking locking{&from(raw).lock_};
            using ::berth::detail::view;
            return from(raw).state_.store(view(key), view(value), expected, revision);
        };
        state_.remove = [](const berth_host* raw, berth_call* call, berth_str key,
                           std::uint64_t expected) noexcept -> berth_status {
            const FakeCall::Use use{FakeCall::from(call), "remove of stored state"};
            if (FakeCall::from(call).stopped()) return FakeCall::from(call).host_stops();
            const ::berth::detail::Locking locking{&from(raw).lock_};
            return from(raw).state_.erase(::berth::detail::view(key), expected);
        };
        state_.list = [](const berth_host* raw, berth_call* call, berth_str prefix,
                         berth_pairs_sink* sink) noexcept -> berth_status {
            const FakeCall::Use use{FakeCall::from(call), "list of stored state"};
            if (FakeCall::from(call).stopped()) return FakeCall::from(call).host_stops();
            const ::berth::detail::Locking locking{&from(raw).lock_};
            for (const auto& [key, value] : from(raw).state_.values) {
                if (key.rfind(::berth::detail::view(prefix), 0) != 0) continue;
                const berth_pair pair{::berth::detail::text(key), ::berth::detail::text(""), 0};
                if (const berth_status status = sink->put(sink, &pair); status != BERTH_OK) return status;
            }
            return BERTH_OK;
        };
        berth_host::state = &state_;
    }

    Shared shared_;
    ::berth::detail::Lock lock_;
    FakeSettings settings_;
    berth_secrets secrets_{};
    std::map<std::string, std::string> secret_values_;
    FakeState state_;
    FakeHttp http_;
    FakeWebSockets websocket_;
    std::vector<LogLine> log_lines_;
    std::vector<std::shared_ptr<void>> kept_;
};

}  // namespace berth::inline sdk_v1::testing

#endif
