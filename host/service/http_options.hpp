// How the requests of a host's plugins leave it: what berth.yaml says under `http`, and what the environment says of
// proxies. Knows no request.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "../base/duration.hpp"
#include "../config/configuration.hpp"
#include "../config/environment.hpp"

namespace berth::inline host_v1 {

/// A way to one backend.
struct ProxyChoice {
    std::string proxy;     ///< empty: straight
    std::string no_proxy;  ///< hosts that are asked straight
};

/// The proxy for an address: the configuration's, else the variables https_proxy, http_proxy (in small letters only: in
/// a CGI program HTTP_PROXY is the client's), all_proxy and no_proxy, as other programs read them.
[[nodiscard]] ProxyChoice choose_proxy(std::string_view url, const HttpConfiguration& configuration,
                                       const EnvironmentVariables& variables);

/// Whether a list as in the variable no_proxy names this host: itself, a domain it is in, or "*".
[[nodiscard]] bool is_excluded(std::string_view host, std::string_view no_proxy);

/// The file of certificates to trust: the configuration's, else SSL_CERT_FILE; empty: the system's.
[[nodiscard]] std::string choose_certificates(const HttpConfiguration& configuration,
                                              const EnvironmentVariables& variables);

}  // namespace berth::inline host_v1
