#include "request_secrets.hpp"

#include "http_request.hpp"

namespace berth::inline host_v1 {

std::size_t remember_secrets(KnownSecrets& secrets, const berth_http_request* request) {
    const auto values = secrets_of(request);
    for (const auto value : values) {
        secrets.add(value);
        if (const auto space = value.rfind(' '); space != std::string_view::npos) secrets.add(value.substr(space + 1));
    }
    return values.size();
}

void remember_proxy(KnownSecrets& secrets, std::string_view proxy) {
    const auto at = proxy.rfind('@');
    if (at == std::string_view::npos) return;
    const auto scheme = proxy.find("://");
    const auto begin = scheme == std::string_view::npos ? 0 : scheme + 3;
    const auto credentials = proxy.substr(begin, at - begin);
    secrets.add(credentials);
    if (const auto colon = credentials.find(':'); colon != std::string_view::npos)
        secrets.add(credentials.substr(colon + 1));
}

}  // namespace berth::inline host_v1
