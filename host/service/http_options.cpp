#include "http_options.hpp"

#include <algorithm>
#include <array>

namespace berth::inline host_v1 {

namespace {

/// The first of these that is set and not empty.
template <std::size_t Count>
std::string first_of(const EnvironmentVariables& variables, const std::array<std::string_view, Count>& names) {
    for (const auto name : names) {
        if (auto value = variables.get_filled(name)) return *value;
    }
    return {};
}

std::string joined(const std::vector<std::string>& hosts) {
    std::string text;
    for (const auto& host : hosts)
        text += (text.empty() ? "" : ",") + host;
    return text;
}

}  // namespace

ProxyChoice choose_proxy(std::string_view url, const HttpConfiguration& configuration,
                         const EnvironmentVariables& variables) {
    if (configuration.proxy) return {*configuration.proxy, joined(configuration.no_proxy)};
    ProxyChoice choice;
    if (url.starts_with("https:")) {
        choice.proxy = first_of(
            variables, std::array<std::string_view, 4>{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
    } else {
        choice.proxy = first_of(variables, std::array<std::string_view, 3>{"http_proxy", "all_proxy", "ALL_PROXY"});
    }
    if (!choice.proxy.empty())
        choice.no_proxy = first_of(variables, std::array<std::string_view, 2>{"no_proxy", "NO_PROXY"});
    return choice;
}

bool is_excluded(std::string_view host, std::string_view no_proxy) {
    for (std::size_t at = 0; at <= no_proxy.size();) {
        const auto end = std::min(no_proxy.find_first_of(", ", at), no_proxy.size());
        auto name = no_proxy.substr(at, end - at);
        at = end + 1;
        if (name == "*") return true;
        if (name.starts_with('.')) name.remove_prefix(1);
        if (name.empty() || !host.ends_with(name)) continue;
        if (host.size() == name.size() || host[host.size() - name.size() - 1] == '.') return true;
    }
    return false;
}

std::string choose_certificates(const HttpConfiguration& configuration, const EnvironmentVariables& variables) {
    if (configuration.ca_file) return configuration.ca_file->string();
    return variables.get_filled("SSL_CERT_FILE").value_or("");
}

}  // namespace berth::inline host_v1
