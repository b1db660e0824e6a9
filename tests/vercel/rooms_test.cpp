// The pure rooms of vercel.so: credentials, answers, records; hostile input too.
#include <doctest/doctest.h>

#include <berth/error.hpp>

#include "cloud/text.hpp"
#include "vercel/answers.hpp"
#include "vercel/credentials.hpp"
#include "vercel/records.hpp"
#include "vercel/settings.hpp"

using namespace berth_cloud;
using namespace berth_vercel;

namespace {

std::string jwt(const std::string& claims) {
    std::string middle = base64(claims);
    while (!middle.empty() && middle.back() == '=')
        middle.pop_back();
    for (char& c : middle)
        c = c == '+' ? '-' : c == '/' ? '_' : c;
    return "head." + middle + ".signature";
}

std::string refusal(const GivenCredentials& given) {
    try {
        (void)choose_credentials(given, 1000);
    } catch (const berth::Error& error) {
        CHECK(error.code() == berth::Code::auth_failed);
        return error.message();
    }
    return "";
}

}  // namespace

TEST_CASE("which credentials a request goes out with") {
    const std::string oidc = jwt(R"({"owner_id":"team_o","project_id":"prj_o","exp":2000})");
    const Credentials both = choose_credentials({"token", oidc, "team", "project"}, 1000);
    CHECK(both.token == "token");
    CHECK(both.team == "team");
    const Credentials by_oidc = choose_credentials({std::nullopt, oidc, std::nullopt, std::nullopt}, 1000);
    CHECK(by_oidc.token == oidc);
    CHECK(by_oidc.team == "team_o");
    CHECK(by_oidc.project == "prj_o");
    const Credentials as_token = choose_credentials({oidc, std::nullopt, "team", "project"}, 1000);
    CHECK(as_token.team == "team_o");
    CHECK(refusal({}) == "no token for Vercel is configured");
    CHECK(refusal({"token", std::nullopt, std::nullopt, std::nullopt}).find("team_id and project_id") !=
          std::string::npos);
    CHECK(refusal({"token", std::nullopt, "team", std::nullopt}).find("project_id") != std::string::npos);
    CHECK(refusal({std::nullopt, jwt(R"({"owner_id":"a","project_id":"b","exp":999})"), std::nullopt, std::nullopt}) ==
          "the OIDC token has expired");
    for (const std::string& odd : {std::string{"a"}, std::string{"a.b"}, std::string{"a.b.c.d"}, std::string{"a.!.c"},
                                   jwt("[]"), jwt(R"({"owner_id":5,"project_id":"b"})"), std::string{".."}})
        CHECK_FALSE(read_oidc_token(odd));
}

TEST_CASE("memory is sold with CPUs, by one or in pairs") {
    CHECK(vcpus_for_memory(1) == 1);
    CHECK(vcpus_for_memory(2048) == 1);
    CHECK(vcpus_for_memory(2049) == 2);
    CHECK(vcpus_for_memory(4097) == 4);
}

TEST_CASE("a record comes back byte for byte, and what fits goes into five tags") {
    Record record;
    record.idempotency_key = "key";
    record.name = "a name, ünïcode";
    record.env = {{"A", "\xff\n\"", true}, {"B", ""}};
    record.labels = {{"empty", ""}, {"team", "core"}};
    record.cwd = "/vercel/x";
    record.timeout_ms = 500;
    record.session = "sbx_1";
    const Record again = read_record(write_record(record));
    CHECK(again.env == record.env);
    CHECK(again.labels == record.labels);
    CHECK(again.name == record.name);
    CHECK(again.cwd == record.cwd);
    CHECK(again.session == "sbx_1");
    const auto tags = tags_of(record, "vercel");
    CHECK(tags.size() == 5);
    const Record from_tags = record_of_tags(tags);
    CHECK(from_tags.labels == record.labels);
    CHECK(from_tags.idempotency_key == "key");
    CHECK(from_tags.timeout_ms == 500);
    record.labels.set("long", std::string(300, 'x'));
    CHECK(tags_of(record, "vercel").count("berth-labels") == 0);
    CHECK(read_record("garbage").env.empty());
    CHECK(record_of_tags({{"berth-run", "[[["}, {"berth-labels", "7"}}).labels.empty());
}

TEST_CASE("lines of a command's stream, known and unknown") {
    CHECK(read_stream_line(R"({"stream":"stdout","data":"a"})").kind == StreamLine::Kind::out);
    const StreamLine error = read_stream_line(R"({"stream":"error","data":{"code":"c","message":"m"}})");
    CHECK(error.kind == StreamLine::Kind::error);
    CHECK(error.data == "c");
    CHECK(read_stream_line(R"({"stream":"error","data":"text"})").kind == StreamLine::Kind::error);
    CHECK(read_stream_line(R"({"stream":"stdout","data":7})").kind == StreamLine::Kind::unknown);
    CHECK(read_stream_line(R"({"new":"kind"})").kind == StreamLine::Kind::unknown);
    CHECK(read_stream_line(R"({"command":{"id":"c","exitCode":1e300}})").command.exit_code == std::nullopt);
    CHECK_THROWS_AS((void)read_stream_line("[]"), berth::Error);
    CHECK_THROWS_AS((void)read_stream_line(std::string(200'000, '{')), berth::Error);
}
