// What is kept of plugins that are not run any more: it comes back as it was, tamed, and garbage is no way out.
#include "plugin/quarantine.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string_view>

#include "../../support/scratch_folder.hpp"
#include "plugin/content_hash.hpp"

using namespace berth;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// Counts how often somebody asks for its bytes.
class Bytes final : public ByteSource {
public:
    explicit Bytes(std::string_view bytes) : bytes_(std::as_bytes(std::span(bytes))) {}
    [[nodiscard]] std::uint64_t size() const noexcept override { return bytes_.size(); }
    [[nodiscard]] bool read(std::uint64_t offset, std::span<std::byte> target) const override {
        ++readings;
        return bytes_.read(offset, target);
    }
    mutable int readings = 0;

private:
    MemoryBytes bytes_;
};

std::string hash_of(std::string_view bytes) {
    return content_hash(Bytes(bytes)).value();
}

class Scratch : public berth_test::ScratchFolder {
public:
    Scratch() : ScratchFolder("quarantine") {}
    [[nodiscard]] Quarantine quarantine() const { return {path.string(), TrustRules{::geteuid()}}; }
    void spoil(std::string_view bytes, const std::string& text) const {
        std::ofstream(path / "quarantine" / (hash_of(bytes).substr(7) + ".json")) << text;
    }
};

QuarantineRecord record_about(std::string_view bytes) {
    QuarantineRecord record;
    record.hash = hash_of(bytes);
    record.size = bytes.size();
    record.plugin = "acme";
    record.file = "/opt/acme.so";
    record.deaths = 5;
    record.within = 60s;
    record.last_death = "was killed by signal 6 (Aborted)";
    record.last_words = "one\ntwo";
    record.since = "2026-11-26T01:30:00Z";
    return record;
}

}  // namespace

TEST_CASE("a record comes back as it was written, and says all of it in one line") {
    const Scratch scratch;
    const auto quarantine = scratch.quarantine();
    CHECK(quarantine.records().empty());
    quarantine.put(record_about("bytes"));
    const auto records = quarantine.records();
    REQUIRE(records.size() == 1);
    const auto& record = records.front();
    CHECK_FALSE(record.damage);
    CHECK(record.size == 5);
    CHECK(record.file == "/opt/acme.so");
    CHECK(record.last_words == "one\ntwo");
    const auto refusal = quarantine_refusal(record, "acme");
    CHECK(refusal.diagnostic() == "BERTH-P-32");
    CHECK(std::string_view(refusal.what()) ==
          "the plugin is in quarantine since 2026-11-26T01:30:00Z: its workers died 5 times within 60 s, the last one "
          "was "
          "killed by signal 6 (Aborted). Repair or replace the file, or let it be tried again: berth plugin clear acme "
          "[BERTH-P-32]");
    CHECK(refusal.fields().details.at(0).second == "one\ntwo");
    CHECK(quarantine.remove(record.hash));
    CHECK(quarantine.records().empty());
}

TEST_CASE("a file is read only when a record is about one of its size") {
    const std::vector records{record_about("bytes")};
    const Bytes other("other bytes");
    CHECK(record_of(records, other) == nullptr);
    CHECK(other.readings == 0);
    CHECK(record_of(records, Bytes("bytez")) == nullptr);
    CHECK(record_of(records, Bytes("bytes")) == &records.front());
    const Bytes none("bytes");
    CHECK(record_of({}, none) == nullptr);
    CHECK(none.readings == 0);
}

TEST_CASE("a record that cannot be read keeps its file in quarantine and says so") {
    const Scratch scratch;
    const auto quarantine = scratch.quarantine();
    quarantine.put(record_about("bytes"));
    std::string whole;
    std::getline(std::ifstream(scratch.path / "quarantine" / (hash_of("bytes").substr(7) + ".json")), whole, '\0');
    const auto wrong = [&](const std::string& from, const std::string& to) {
        auto text = whole;
        text.replace(text.find(from), from.size(), to);
        return text;
    };
    for (const auto& text :
         {std::string(), whole.substr(0, whole.size() / 2),
          std::string("\x7f"
                      "ELF\0\0",
                      6),
          std::string("[]"), std::string("null"), std::string(200'000, '['), wrong("\"version\": 1", "\"version\": 2"),
          wrong("\"deaths\": 5", "\"deaths\": \"5\""), wrong("\"deaths\",", "\"whim\","),
          wrong("\"since\": \"2026-11-26T01:30:00Z\"", "\"since\": {}"), wrong("\"size\": 5,", "")}) {
        CAPTURE(text.substr(0, 100));
        scratch.spoil("bytes", text);
        const auto records = quarantine.records();
        REQUIRE(records.size() == 1);
        CHECK(records.front().damage);
        const auto* const found = record_of(records, Bytes("bytes"));
        REQUIRE(found != nullptr);
        const std::string words = quarantine_refusal(*found, "acme").what();
        CHECK(words.find("in quarantine: why cannot be read, ") != std::string::npos);
        CHECK(words.find(".json: ") != std::string::npos);
        CHECK(record_of(records, Bytes("other")) == nullptr);
    }
    CHECK(quarantine.remove(hash_of("bytes")));
}

TEST_CASE("what a plugin wrote drives no terminal and fills no disk") {
    const Scratch scratch;
    const auto quarantine = scratch.quarantine();
    auto record = record_about("bytes");
    record.last_words = std::string(100'000, 'x') +
                        "\n\x1b[2J\x9b"
                        "end";
    record.last_death = "was killed\nby \x1b]0;a\x07";
    record.file = "/tmp/\xff\n.so";
    quarantine.put(record);
    const auto records = quarantine.records();
    REQUIRE(records.size() == 1);
    const auto& tamed = records.front();
    CHECK(tamed.last_words.size() <= 4096);
    CHECK(tamed.last_words.ends_with("x\n\\x1b[2J\\x9bend"));
    CHECK(tamed.file == "/tmp/\\xff\\n.so");
    for (const auto& text : {tamed.last_words, tamed.last_death, tamed.file}) {
        for (const char character : text)
            CHECK((character == '\n' || static_cast<unsigned char>(character) >= 0x20U));
    }
    CHECK(fs::file_size(scratch.path / "quarantine" / (record.hash.substr(7) + ".json")) < 16'384);
}
