// The provider daytona, as cloud.hpp compares clouds. Its commands are followed over a WebSocket, so there is also a client
// that does nothing else.
#include "bare_socket.hpp"
#include "cloud.hpp"

namespace {

using nlohmann::json;

/// A session that runs nothing, and its log to the end: the least for a command whose streams are to be kept apart.
std::size_t follow(const bench::Vendor& vendor, const std::string& box) {
    static bench::BareClient client;
    static int last = 0;
    const auto& headers = vendor.command.headers;
    const auto name = "bare-" + std::to_string(++last);
    const auto session = box + "/process/session";
    (void)client.send({session, headers, json{{"sessionId", name}}.dump()});
    const auto started =
        client.text_of({session + "/" + name + "/exec", headers, R"({"command":"true","runAsync":true})"});
    const auto command = json::parse(started).at("cmdId").get<std::string>();
    return bench::count_messages(session + "/" + name + "/command/" + command + "/logs?follow=true", headers);
}

bench::BareRequest upload(const std::string& box, const std::string& secret, const std::string& content) {
    const std::string boundary = "bare-7f3a9c1e";
    const auto part = [&](const std::string& disposition) {
        return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"files[0]." + disposition + "\r\n\r\n";
    };
    return {
        box + "/files/bulk-upload",
        {"Authorization: Bearer " + secret, "Content-Type: multipart/form-data; boundary=" + boundary, "Expect:"},
        part("path\"") + "bare.bin\r\n" + part("file\"; filename=\"file\"") + content + "\r\n--" + boundary + "--\r\n"};
}

bench::Vendor daytona(const json& about) {
    const auto said = [&](const char* name) { return about.at(name).get<std::string>(); };
    const auto box = said("toolbox_url") + "/" + said("sandbox_there");
    bench::Vendor vendor;
    vendor.name = "daytona";
    vendor.configuration = {{"api_url", said("api_url")}, {"auto_stop_minutes", 0}};
    vendor.secret_option = "api_key";
    vendor.secret = said("api_key");
    vendor.command = {
        box + "/process/execute",
        {"Authorization: Bearer " + vendor.secret, "Content-Type: application/json", "X-Daytona-SDK-Version: 0.218.0"},
        R"({"command":"true"})"};
    vendor.download = {box + "/files/download?path=download.bin", vendor.command.headers, {}};
    vendor.upload = [box, secret = vendor.secret](const std::string& content) { return upload(box, secret, content); };
    vendor.other_official_ways = {"both streams"};
    vendor.follow = [vendor, box] { return follow(vendor, box); };
    return vendor;
}

}  // namespace

int main(int count, char** words) {
    return bench::run_cloud_bench(count, words, daytona);
}
