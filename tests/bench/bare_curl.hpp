// Requests by libcurl alone: what a client costs that does nothing else. Knows nothing of Berth.
#pragma once

#include <string>
#include <vector>

namespace bench {

struct BareRequest {
    std::string url;
    std::vector<std::string> headers;
    std::string body;  ///< empty: GET
};

/// One handle, one connection, one request after the other. Throws unless each is answered with 2xx.
class BareClient {
public:
    BareClient();
    BareClient(const BareClient&) = delete;
    BareClient& operator=(const BareClient&) = delete;
    ~BareClient();
    /// How many bytes came back.
    std::size_t send(const BareRequest& request);
    /// What came back.
    [[nodiscard]] std::string text_of(const BareRequest& request);
    /// `count` of them, `at_once` under way.
    static void send_many(const BareRequest& request, int count, int at_once);

private:
    void* handle_;
};

}  // namespace bench
