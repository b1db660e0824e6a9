// The pure rooms of plugins/cloud: text, logs, usage, archives; hostile input too.
#include <doctest/doctest.h>

#include <berth/error.hpp>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cloud/json_text.hpp"
#include "cloud/sandbox_log.hpp"
#include "cloud/tar_stream.hpp"
#include "cloud/text.hpp"
#include "cloud/usage_script.hpp"

using namespace berth_cloud;

namespace {

struct Listing final : berth_cloud::TarTaker {
    void entry(const berth_cloud::TarEntry& entry) override {
        text += "[" + entry.name + (entry.target.empty() ? "" : " -> " + entry.target) + "]";
    }
    void content(std::string_view bytes) override { text += bytes; }
    void end_of_file() override { text += ";"; }
    std::string text;
};

std::string listing_of(const std::string& archive, std::size_t piece) {
    Listing listing;
    berth_cloud::TarReader reader;
    for (std::size_t at = 0; at < archive.size(); at += piece)
        reader.feed(std::string_view{archive}.substr(at, piece), listing);
    reader.finish();
    return listing.text;
}

}  // namespace

TEST_CASE("base64 both ways, cut anywhere, and what is none") {
    for (std::size_t size = 0; size < 70; ++size) {
        std::string bytes;
        for (std::size_t n = 0; n < size; ++n)
            bytes += static_cast<char>(n * 37 + size);
        const std::string text = base64(bytes) + "\n" + base64("next") + "\n";
        for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, text.size() / 2}) {
            Base64Decoder decoder;
            std::string found;
            CHECK(decoder.take(text.substr(0, cut), found));
            CHECK(decoder.take(text.substr(cut), found));
            CHECK(found == bytes + "next");
            CHECK(decoder.is_complete());
        }
    }
    for (const char* text : {"a b", "=AAA", "A=AA", "AA=A", "A===", "\xff"}) {
        Base64Decoder decoder;
        std::string found;
        CHECK_FALSE(decoder.take(text, found));
    }
}

TEST_CASE("lines of base64 as programs write them are read whole, and one wrong character in them is found") {
    std::string bytes;
    for (int n = 0; n < 256 * 57; ++n)
        bytes += static_cast<char>(n * 167 + n / 256);
    const std::string text = base64(bytes);
    std::string lines;
    for (std::size_t at = 0; at < text.size(); at += 76)
        lines += text.substr(at, 76) + "\n";
    std::string found;
    CHECK(Base64Decoder().take(lines, found));
    CHECK(found == bytes);
    const std::string line = lines.substr(0, 77);
    for (std::size_t at = 0; at < 76; ++at) {
        for (int c = 0; c < 256; ++c) {
            std::string other = line;
            other[at] = static_cast<char>(c);
            Base64Decoder decoder;
            std::string got;
            const bool is_known = std::isalnum(c) != 0 || c == '+' || c == '/';
            const bool is_break = c == '\n' || c == '\r' || (c == '=' && at % 4 == 3);
            CHECK(decoder.take(other, got) == (is_known || is_break));
            if (is_known) CHECK(base64(got) == other.substr(0, 76));
        }
    }
}

TEST_CASE("JSON is written as its library would write it") {
    std::string bytes;
    for (int c = 0; c < 0x80; ++c)
        bytes += static_cast<char>(c);
    const nlohmann::json all{{"text", bytes + "\u00e4\u20ac" + bytes},
                             {"list", {1, -2.5, true, nullptr, "", nlohmann::json::array(), nlohmann::json::object()}},
                             {bytes, {{"deep", {{"er", {"a"}}}}}}};
    CHECK(json_text(all) == all.dump());
    for (const nlohmann::json& part : all)
        CHECK(json_text(part) == part.dump());
    CHECK_THROWS_AS((void)json_text(nlohmann::json("\xff")), nlohmann::json::exception);
    CHECK_THROWS_AS((void)json_text(nlohmann::json("12345678\xed\xa0\x80")), nlohmann::json::exception);
}

TEST_CASE("words for a shell are quoted, whatever they are") {
    CHECK(quoted_word("") == "''");
    CHECK(quoted_word("'") == R"(''\''')");
    CHECK(quoted_word("a'b''c\n") == "'a'\\''b'\\'''\\''c\n'");
    CHECK(quoted_word("\xff'") == "'\xff'\\'''");
    CHECK(shell_word("it's") == R"('it'\''s')");
}

TEST_CASE("paths are made absolute, and none leads above the root") {
    CHECK(absolute_path("a", "/vercel") == "/vercel/a");
    CHECK(absolute_path("./a/../b//c/", "/vercel") == "/vercel/b/c");
    CHECK(absolute_path("/x/./y", "/vercel") == "/x/y");
    CHECK(absolute_path("..", "/vercel") == "/");
    CHECK_THROWS_AS((void)absolute_path("../..", "/vercel"), berth::Error);
    CHECK_THROWS_AS((void)absolute_path("/..", "/vercel"), berth::Error);
}

TEST_CASE("a log keeps whole lines, masks secrets and drops the oldest") {
    LogLines log({"hunter22"});
    log.pid(42);
    log.add(berth::Stream::out, "one\ntw");
    log.add(berth::Stream::err, "bad hunter22\n");
    log.add(berth::Stream::out, "o");
    const std::string text = log.take();
    CHECK(text.find(" stdout 42 one\n") != std::string::npos);
    CHECK(text.find(" stdout 42 two\n") != std::string::npos);
    CHECK(text.find(" stderr 42 bad ***\n") != std::string::npos);
    for (int n = 0; n < 100'000; ++n)
        log.add(berth::Stream::out, "0123456789012345678901234567890123456789 " + std::to_string(n) + "\n");
    const std::string much = log.take();
    CHECK(much.size() < (4U << 20));
    CHECK(much.find(" 99999\n") != std::string::npos);
    CHECK(much.find("bytes of output left out") != std::string::npos);
    CHECK(log_time(1'700'000'000'123) == "2023-11-14T22:13:20.123Z");
}

TEST_CASE("where the oldest output is dropped no half of a secret is left, and no half of a line") {
    LogLines log({"hunter22"});
    std::string written;
    for (int n = 0; written.size() < (7U << 19); ++n)
        written += "begin hunter22hunter22hunter22 end\n";
    for (std::size_t at = 0; at < written.size(); at += 997)  // the same on both streams, cut anywhere
        for (const berth::Stream stream : {berth::Stream::out, berth::Stream::err})
            log.add(stream, std::string_view{written}.substr(at, 997));
    std::istringstream lines(log.take());
    std::string line;
    std::getline(lines, line);
    CHECK(line.find("bytes of output left out") != std::string::npos);
    std::size_t whole = 0;
    for (; std::getline(lines, line); ++whole)
        CHECK(line.substr(line.find(" std") + 7) == " - begin ********* end");
    CHECK(whole > 10'000);
}

TEST_CASE("of endless output without a line's end the newest is kept") {
    LogLines log({});
    for (int n = 0; n < 100; ++n)
        log.add(berth::Stream::out, std::string(50'000, static_cast<char>('a' + n % 26)));
    const std::string text = log.take();
    CHECK(text.size() > (1U << 20));
    CHECK(text.size() < (3U << 20));
    CHECK(text.find(std::string(1000, 'a' + 99 % 26)) != std::string::npos);
}

TEST_CASE("usage is what was printed, and nothing else") {
    const berth::Usage usage = read_usage(
        "cpu1 10 0 10 80 0 0 0 0\ncpu2 20 0 20 160 0 0 0 0\ncore\ncore\n"
        "processes 3\npages 10 4096\nnet 5 6\nnet 1 1\ndisk 8 100\n");
    CHECK(usage.cpu_percent == doctest::Approx(40));
    CHECK(usage.process_count == 3u);
    CHECK(usage.memory_bytes == 40960u);
    CHECK(usage.network_received_bytes == 6u);
    CHECK(usage.disk_bytes == 8192u);
    const berth::Usage none = read_usage("sh: not found\ncpu1\nnet x\n");
    CHECK_FALSE(none.cpu_percent);
    CHECK_FALSE(none.memory_bytes);
    CHECK_FALSE(none.network_received_bytes);
}

TEST_CASE("a tar.gz is one for tar") {
    berth_cloud::TarGzWriter writer;
    writer.add_file("dir/a", "hello\n", 0640);
    writer.add_file("empty", "", 0600);
    writer.add_file("large", std::string(200'000, 'x'), 0755);
    const auto folder = std::filesystem::temp_directory_path() / ("berth-tar-" + random_token());
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "a.tar.gz", std::ios::binary) << writer.finish();
    const std::string in = "cd '" + folder.string() + "' && ";
    CHECK(
        std::system((in + "tar -xzf a.tar.gz && test \"$(stat -c %a dir/a)\" = 640 && test \"$(cat dir/a)\" = hello && "
                          "test \"$(stat -c %s large)\" = 200000 && test -f empty")
                        .c_str()) == 0);
    // And what tar writes is read: long names, links, a fifo.
    CHECK(std::system((in +
                       "rm -rf * && mkdir t && cd t && echo hi > f && ln -s f l && mkfifo p && n=$(printf %0150d 7) && "
                       "mkdir $n && echo deep > $n/$n && tar --sort=name -cf ../b.tar .")
                          .c_str()) == 0);
    std::ifstream file(folder / "b.tar", std::ios::binary);
    const std::string archive{std::istreambuf_iterator<char>(file), {}};
    const std::string name(149, '0');
    const std::string expected =
        "[./][./" + name + "7/][./" + name + "7/" + name + "7]deep\n;[./f]hi\n;[./l -> f][./p]";
    for (const std::size_t piece : {std::size_t{1}, std::size_t{511}, std::size_t{512}, std::size_t{100'000}})
        CHECK(listing_of(archive, piece) == expected);
    CHECK_THROWS_AS((void)listing_of(archive.substr(0, 700), 512), berth_cloud::TarError);
    CHECK_THROWS_AS((void)listing_of(std::string(2048, 'x'), 512), berth_cloud::TarError);
    std::string damaged = archive;
    damaged[10] = 'Z';
    CHECK_THROWS_AS((void)listing_of(damaged, 512), berth_cloud::TarError);
    std::filesystem::remove_all(folder);
}
