#include "bare_curl.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace bench {

namespace {

using List = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

std::size_t count_bytes(char* /*bytes*/, std::size_t size, std::size_t count, void* total) {
    *static_cast<std::size_t*>(total) += size * count;
    return size * count;
}

std::size_t keep_bytes(char* bytes, std::size_t size, std::size_t count, void* text) {
    static_cast<std::string*>(text)->append(bytes, size * count);
    return size * count;
}

List list_of(const std::vector<std::string>& headers) {
    curl_slist* list = nullptr;
    for (const auto& header : headers)
        list = curl_slist_append(list, header.c_str());
    return {list, &curl_slist_free_all};
}

void prepare(CURL* handle, const BareRequest& request, curl_slist* headers, std::size_t& total) {
    curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &count_bytes);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &total);
    curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
    if (request.body.empty()) {
        curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
    } else {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.c_str());
    }
}

void expect(CURLcode result) {
    if (result != CURLE_OK) throw std::runtime_error(std::string("libcurl: ") + curl_easy_strerror(result));
}

}  // namespace

BareClient::BareClient() : handle_(curl_easy_init()) {
    if (handle_ == nullptr) throw std::runtime_error("libcurl does not start");
}

BareClient::~BareClient() {
    curl_easy_cleanup(handle_);
}

std::string BareClient::text_of(const BareRequest& request) {
    const auto headers = list_of(request.headers);
    std::string text;
    std::size_t total = 0;
    prepare(handle_, request, headers.get(), total);
    curl_easy_setopt(handle_, CURLOPT_WRITEFUNCTION, &keep_bytes);
    curl_easy_setopt(handle_, CURLOPT_WRITEDATA, &text);
    expect(curl_easy_perform(handle_));
    return text;
}

std::size_t BareClient::send(const BareRequest& request) {
    const auto headers = list_of(request.headers);
    std::size_t total = 0;
    prepare(handle_, request, headers.get(), total);
    expect(curl_easy_perform(handle_));
    return total;
}

void BareClient::send_many(const BareRequest& request, int count, int at_once) {
    const auto headers = list_of(request.headers);
    std::size_t total = 0;
    // The connections live as long as the process, as Berth's do.
    static CURLM* const multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 256L);
    std::vector<CURL*> handles;
    int begun = 0;
    for (; begun < std::min(count, at_once); ++begun) {
        handles.push_back(curl_easy_init());
        prepare(handles.back(), request, headers.get(), total);
        curl_multi_add_handle(multi, handles.back());
    }
    for (int done = 0; done < count;) {
        int running = 0;
        curl_multi_perform(multi, &running);
        int left = 0;
        while (const auto* message = curl_multi_info_read(multi, &left)) {
            expect(message->data.result);
            ++done;
            auto* const handle = message->easy_handle;
            curl_multi_remove_handle(multi, handle);
            if (begun++ < count) curl_multi_add_handle(multi, handle);
        }
        if (done < count) curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
    }
    for (auto* const handle : handles)
        curl_easy_cleanup(handle);
}

}  // namespace bench
