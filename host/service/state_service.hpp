// The state service of one provider: what a plugin asks is checked here, and kept by the store behind it, which is
// loaded and opened with the first question. Knows no SQLite.
#pragma once

#include <berth/plugin.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "service_places.hpp"
#include "state_store.hpp"

namespace berth::inline host_v1 {

class ServiceCall;

/// Any thread. Every function answers as the contract says of berth_state.
class StateService {
public:
    static constexpr std::size_t longest_key = 256;
    static constexpr std::size_t longest_value = std::size_t{1} << 20U;

    StateService(const std::string& provider, ServicePlaces places);
    StateService(const StateService&) = delete;
    StateService& operator=(const StateService&) = delete;
    ~StateService();

    berth_status get(ServiceCall& call, berth_str key, berth_bytes_sink* value, std::uint64_t* revision) noexcept;
    berth_status put(ServiceCall& call, berth_str key, berth_bytes value, std::uint64_t expected,
                     std::uint64_t* revision) noexcept;
    berth_status remove(ServiceCall& call, berth_str key, std::uint64_t expected) noexcept;
    berth_status list(ServiceCall& call, berth_str prefix, berth_pairs_sink* keys) noexcept;

private:
    template <typename Function>
    static berth_status guarded(ServiceCall& call, Function&& function) noexcept;
    [[nodiscard]] StateStore& store();
    static berth_status unlucky(ServiceCall& call, const StateAnswer& answer);

    const std::string file_;
    const ServicePlaces places_;
    std::mutex mutex_;
    std::unique_ptr<StateStore> store_;
};

}  // namespace berth::inline host_v1
