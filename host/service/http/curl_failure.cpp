#include "curl_failure.hpp"

namespace berth::inline host_v1 {

namespace {

HttpFailure::Kind kind_of(CURLcode result) noexcept {
    switch (result) {
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_CONNECT:
        case CURLE_OPERATION_TIMEDOUT:  // the only limit that is left to the library is that of connecting
        case CURLE_PROXY:
        case CURLE_SSL_CONNECT_ERROR:
            return HttpFailure::Kind::unreachable;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_ISSUER_ERROR:
            return HttpFailure::Kind::insecure;
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_BAD_CONTENT_ENCODING:
            return HttpFailure::Kind::malformed;
        case CURLE_OUT_OF_MEMORY:
        case CURLE_FAILED_INIT:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ENGINE_INITFAILED:
        case CURLE_BAD_FUNCTION_ARGUMENT:
        case CURLE_UNKNOWN_OPTION:
        case CURLE_NOT_BUILT_IN:
            return HttpFailure::Kind::unusable;
        default:
            return HttpFailure::Kind::broken;
    }
}

}  // namespace

HttpFailure failure_of(CURLcode result, HttpFailure::Sent sent, std::string_view words) {
    HttpFailure failure;
    failure.kind = kind_of(result);
    failure.sent = sent;
    failure.reason = words.empty() ? ::curl_easy_strerror(result) : std::string(words);
    return failure;
}

}  // namespace berth::inline host_v1
