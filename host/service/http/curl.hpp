// libcurl, and who owns what it hands out. The only file that includes it.
#pragma once

#include <curl/curl.h>

#include <memory>

namespace berth::inline host_v1 {

struct CurlCleanup {
    void operator()(CURLU* address) const noexcept { ::curl_url_cleanup(address); }
    void operator()(curl_slist* list) const noexcept { ::curl_slist_free_all(list); }
};
// The others are all `void` to the compiler: a type for each.
struct EasyCleanup {
    void operator()(CURL* easy) const noexcept { ::curl_easy_cleanup(easy); }
};
struct MultiCleanup {
    void operator()(CURLM* multi) const noexcept { ::curl_multi_cleanup(multi); }
};
struct SharedCleanup {
    void operator()(CURLSH* shared) const noexcept { ::curl_share_cleanup(shared); }
};

using AddressHandle = std::unique_ptr<CURLU, CurlCleanup>;
using HeaderList = std::unique_ptr<curl_slist, CurlCleanup>;
using EasyHandle = std::unique_ptr<CURL, EasyCleanup>;
using MultiHandle = std::unique_ptr<CURLM, MultiCleanup>;
using SharedHandle = std::unique_ptr<CURLSH, SharedCleanup>;

}  // namespace berth::inline host_v1
