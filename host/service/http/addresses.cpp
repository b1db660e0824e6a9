#include "addresses.hpp"

#include "curl.hpp"

namespace berth::inline host_v1 {

namespace {

std::optional<std::string> part(const AddressHandle& address, CURLUPart which, unsigned flags = 0) {
    char* text = nullptr;
    if (::curl_url_get(address.get(), which, &text, flags) != CURLUE_OK) return std::nullopt;
    std::string copy(text);
    ::curl_free(text);
    return copy;
}

}  // namespace

std::optional<std::string> redirect_within_origin(const std::string& url, const std::string& location) {
    const AddressHandle from(::curl_url());
    const AddressHandle to(::curl_url());
    if (!from || !to || location.empty() || location.size() > 8192) return std::nullopt;
    if (::curl_url_set(from.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return std::nullopt;
    if (::curl_url_set(to.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return std::nullopt;
    if (::curl_url_set(to.get(), CURLUPART_URL, location.c_str(), CURLU_DISALLOW_USER) != CURLUE_OK)
        return std::nullopt;
    for (const auto which : {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT}) {
        const auto before = part(from, which, CURLU_DEFAULT_PORT);
        if (!before || before != part(to, which, CURLU_DEFAULT_PORT)) return std::nullopt;
    }
    return part(to, CURLUPART_URL);
}

}  // namespace berth::inline host_v1
