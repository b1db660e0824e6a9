// What all providers of one host share to reach their backends: the transport, loaded when the first of them needs it,
// and the way out that was configured. Knows no provider.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "http_options.hpp"
#include "http_transport.hpp"
#include "socket_transport.hpp"

namespace berth::inline host_v1 {

/// Any thread. Every exchange ends before it.
class HttpAccess {
public:
    /// `modules`: the directory of http.so; empty: there is none.
    HttpAccess(std::string modules, HttpConfiguration configuration, EnvironmentVariables variables);
    HttpAccess(const HttpAccess&) = delete;
    HttpAccess& operator=(const HttpAccess&) = delete;
    ~HttpAccess();

    [[nodiscard]] bool is_offered() const noexcept { return !modules_.empty(); }
    /// Loads it with the first question. Throws Error.
    [[nodiscard]] HttpTransport& transport();
    [[nodiscard]] SocketTransport& sockets();
    /// For an http:// or https:// address.
    [[nodiscard]] ProxyChoice proxy_for(std::string_view url) const;

private:
    template <typename Transport>
    [[nodiscard]] Transport& loaded(std::unique_ptr<Transport>& transport, const char* module, const char* symbol);

    const std::string modules_;
    const HttpConfiguration configuration_;
    const EnvironmentVariables variables_;
    std::mutex mutex_;
    std::unique_ptr<HttpTransport> transport_;
    std::unique_ptr<SocketTransport> sockets_;
};

}  // namespace berth::inline host_v1
