// upload_files: every row of docs/contract.md 3.7 that needs no fault injection.
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <stop_token>

#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

FileOperation content(std::string path, std::string bytes, std::optional<unsigned> mode = {}) {
    return {"", std::move(path), mode, std::move(bytes)};
}
FileOperation from(std::string local, std::string path, std::optional<unsigned> mode = {}) {
    return {std::move(local), std::move(path), mode, {}};
}

void upload(Context& context, const SandboxName& sandbox, const std::vector<FileOperation>& files) {
    context.host().upload_files(sandbox, files, Context::bounded());
}
void upload(Context& context, const std::vector<FileOperation>& files) {
    upload(context, context.shared(), files);
}

std::string mode_of(Context& context, const std::string& path) {
    return context.output_of(context.shared(), "stat -c %a '" + path + "' | tr -d '\\n'");
}

void empty_list(Context& context) {
    upload(context, {});
}

void file_and_parents(Context& context) {
    const auto top = context.unique_path("up");
    const HostDirectory host;
    host.write("source", "hello\n");
    upload(context, {from(host.path("source"), top + "/deep/er/file"), content(top + "/direct", "content"),
                     content(top + "/empty", "")});
    context.equal(context.output_of(context.shared(), "cat " + top + "/deep/er/file"), std::string("hello\n"),
                  "a file");
    context.equal(context.output_of(context.shared(), "cat " + top + "/direct"), std::string("content"), "content");
    context.equal(context.output_of(context.shared(), "stat -c %s " + top + "/empty"), std::string("0\n"),
                  "an empty file");
}

void replaced(Context& context) {
    const auto file = context.unique_path("file");
    upload(context, {content(file, "a much longer first version")});
    upload(context, {content(file, "second")});
    context.equal(context.output_of(context.shared(), "cat " + file), std::string("second"), "the new content");
    upload(context, {content(file, "one"), content(file, "two")});
    context.equal(context.output_of(context.shared(), "cat " + file), std::string("two"), "the later one wins");
}

void replacement_is_whole(Context& context) {
    // Who has the old file open keeps the old bytes: the new file took the name, it was not written into.
    const auto file = context.unique_path("whole");
    upload(context, {content(file, "old bytes")});
    auto process =
        context.host().execute_stream(context.shared(),
                                      Context::shell_process("exec 3< " + file + "; echo open; while ! test -e " +
                                                             file + ".go; do sleep 0.05; done; cat <&3"),
                                      Context::bounded());
    std::array<std::byte, 16> buffer{};
    context.expect(process.standard_output()->read(buffer) > 0, "the reader has opened it");
    upload(context, {content(file, "new bytes"), content(file + ".go", "")});
    context.equal(process.standard_output()->read_all(), std::string("old bytes"),
                  "what the reader of the old file sees");
}

void binary_and_large(Context& context) {
    const HostDirectory host;
    std::string bytes(5'000'011, '\0');
    for (std::size_t index = 0; index < bytes.size(); ++index)
        bytes[index] = static_cast<char>(index * 7 + index / 251);
    host.write("big", bytes);
    const auto file = context.unique_path("big");
    upload(context, {from(host.path("big"), file)});
    context.equal(context.output_of(context.shared(), "stat -c %s " + file), std::string("5000011\n"), "size");
    const HostDirectory back;
    const std::vector<FileOperation> out{from(back.path("big"), file)};
    context.host().download_files(context.shared(), out, Context::bounded());
    context.expect(back.read("big") == bytes, "5 MB come back byte for byte");
}

void directory_is_copied(Context& context) {
    const HostDirectory host;
    host.write("tree/a", "A");
    host.write("tree/sub/b", "B");
    host.write("tree/.hidden", "H");
    std::filesystem::create_directories(host.root() / "tree/nothing");
    std::filesystem::create_symlink("sub/b", host.root() / "tree/link");
    std::filesystem::create_symlink("/does/not/exist", host.root() / "tree/dangling");
    const auto target = context.unique_path("tree");
    upload(context, {from(host.path("tree"), target)});
    context.equal(context.output_of(context.shared(), "cd " + target + " && find . | sort | tr '\\n' ' '"),
                  std::string(". ./.hidden ./a ./dangling ./link ./nothing ./sub ./sub/b "), "names");
    context.equal(context.output_of(context.shared(), "cd " + target + " && readlink link dangling"),
                  std::string("sub/b\n/does/not/exist\n"), "links are copied as links");
    context.equal(context.output_of(context.shared(), "cat " + target + "/link"), std::string("B"), "the link works");
}

void link_at_the_top_is_followed(Context& context) {
    const HostDirectory host;
    host.write("real", "behind a link");
    std::filesystem::create_symlink("real", host.root() / "link");
    const auto file = context.unique_path("followed");
    upload(context, {from(host.path("link"), file)});
    context.equal(context.output_of(context.shared(), "test ! -L " + file + " && cat " + file),
                  std::string("behind a link"), "content");
}

void modes(Context& context) {
    const HostDirectory host;
    host.write("plain", "x");
    ::chmod(host.path("plain").c_str(), 0640);
    host.write("tree/inner", "x");
    const auto top = context.unique_path("modes");
    upload(context, {from(host.path("plain"), top + "/kept"), from(host.path("plain"), top + "/given", 0755U),
                     from(host.path("tree"), top + "/tree", 0640U)});
    context.equal(mode_of(context, top + "/kept"), std::string("640"), "the source's own mode");
    context.equal(mode_of(context, top + "/given"), std::string("755"), "the mode given");
    context.equal(mode_of(context, top + "/tree/inner"), std::string("640"), "files of a directory");
    context.equal(mode_of(context, top + "/tree"), std::string("750"), "directories get +x where +r");
}

void missing_source(Context& context) {
    const HostDirectory host;
    const auto top = context.unique_path("partial");
    const auto error = context.refused(
        Code::file_not_found,
        [&] {
            upload(context, {content(top + "/first", "1"), from(host.path("missing"), top + "/second"),
                             content(top + "/third", "3")});
        },
        "a missing source");
    context.expect(error.fields().index == std::uint64_t{1}, "the error names the index");
    context.equal(context.output_of(context.shared(), "ls " + top), std::string("first\n"),
                  "earlier files stay, later ones are not begun");
}

void directory_against_file(Context& context) {
    const HostDirectory host;
    host.write("tree/a", "A");
    const auto directory = context.unique_path("taken");
    const auto file = context.unique_path("taken");
    context.output_of(context.shared(), "mkdir " + directory + "; echo old > " + file);
    context.refused(
        Code::is_directory, [&] { upload(context, {content(directory, "x")}); }, "a file onto a directory");
    context.refused(
        Code::not_directory, [&] { upload(context, {from(host.path("tree"), file)}); }, "a directory onto a file");
    context.refused(
        Code::not_directory, [&] { upload(context, {content(file + "/below", "x")}); }, "a file below a file");
    context.equal(context.output_of(context.shared(), "cat " + file), std::string("old\n"),
                  "the old file is untouched");
}

void special_source(Context& context) {
    const HostDirectory host;
    if (::mkfifo(host.path("fifo").c_str(), 0600) != 0) throw Skipped("this host cannot make a fifo");
    const auto error = context.refused(
        Code::unsupported, [&] { upload(context, {from(host.path("fifo"), context.unique_path("fifo"))}); }, "a fifo");
    context.expect(error.fields().path.has_value(), "the error names the path");
}

void hostile_names(Context& context) {
    const HostDirectory host;
    const std::vector<std::string> names{"with space", "quote'\"", "new\nline", "-leading",
                                         "ünïcode",    "\xff\xfe", "*",         "$HOME"};
    for (const auto& name : names)
        host.write("tree/" + name, "<" + name + ">");
    const auto target = context.unique_path("names");
    upload(context, {from(host.path("tree"), target)});
    const HostDirectory back;
    const std::vector<FileOperation> out{from(back.path("tree"), target)};
    context.host().download_files(context.shared(), out, Context::bounded());
    for (const auto& name : names) {
        context.equal(back.read("tree/" + name), "<" + name + ">", "the file named " + shown(name));
    }
    context.equal(context.output_of(context.shared(), "ls -1 -q " + target + " | wc -l | tr -d ' \\n'"),
                  std::to_string(names.size()), "how many names there are");
}

void bad_paths(Context& context) {
    context.refused(
        Code::invalid_argument, [&] { upload(context, {content("", "x")}); }, "an empty path");
    context.refused(
        Code::invalid_argument, [&] { upload(context, {content(std::string("a\0b", 3), "x")}); }, "NUL");
    FileOperation both = content("x", "x");
    both.local_path = "/etc/hostname";
    context.refused(
        Code::invalid_argument, [&] { upload(context, {both}); }, "content and local path at once");
    context.refused(
        Code::path_escape, [&] { upload(context, {content("../../../../../../../../x", "x")}); },
        "a path above the root");
}

void dots_inside_are_fine(Context& context) {
    const auto top = context.unique_path("dots");
    upload(context, {content(top + "/a/../b", "x")});
    context.equal(context.output_of(context.shared(), "cat " + top + "/b"), std::string("x"), "the normalised place");
}

void links_inside_stay_inside(Context& context) {
    const auto top = context.unique_path("links");
    context.output_of(context.shared(),
                      "mkdir -p " + top + "/real && ln -s real " + top + "/inner && ln -s /tmp " + top + "/tmp");
    upload(context, {content(top + "/inner/file", "inside"), content(top + "/tmp/" + top, "also inside")});
    context.equal(context.output_of(context.shared(), "cat " + top + "/real/file /tmp/" + top),
                  std::string("insidealso inside"), "links are resolved in the sandbox");
}

void many_small_files(Context& context) {
    const HostDirectory host;
    for (int file = 0; file < 1000; ++file)
        host.write("many/" + std::to_string(file), "content " + std::to_string(file));
    const auto target = context.unique_path("many");
    upload(context, {from(host.path("many"), target)});
    context.equal(
        context.output_of(context.shared(), "ls " + target + " | wc -l | tr -d ' \\n'; cat " + target + "/999"),
        std::string("1000content 999"), "1,000 files");
}

void cancelled_beforehand(Context& context) {
    std::stop_source stop;
    stop.request_stop();
    CallOptions options = Context::bounded();
    options.stop = stop.get_token();
    const auto file = context.unique_path("cancelled");
    const std::vector<FileOperation> files{content(file, "x")};
    context.refused(
        Code::cancelled, [&] { context.host().upload_files(context.shared(), files, options); }, "cancelled");
    context.equal(context.shell(context.shared(), "test -e " + file).exit_code, 1, "nothing was written");
}

void owner_may_change_it(Context& context) {
    const auto file = context.unique_path("mine");
    upload(context, {content(file, "x", 0644U)});
    context.equal(context.output_of(context.shared(), "echo y >> " + file + "; chmod 600 " + file + "; cat " + file),
                  std::string("xy\n"), "processes of the sandbox own what was uploaded");
}

}  // namespace

std::vector<Case> upload_cases() {
    return {
        {"upload", "an empty list is fine", empty_list, {}},
        {"upload", "files arrive and parents are made", file_and_parents, {}},
        {"upload", "an existing file is replaced and the later one wins", replaced, {}},
        {"upload", "a file is replaced whole, never written into", replacement_is_whole, {}},
        {"upload", "5 MB of binary come back byte for byte", binary_and_large, {}},
        {"upload", "a directory is copied with links and empty directories", directory_is_copied, {}},
        {"upload", "a link at the local path itself is followed", link_at_the_top_is_followed, {}},
        {"upload", "modes are kept or applied", modes, {}},
        {"upload", "a missing source is named and stops the rest", missing_source, {}},
        {"upload", "files and directories do not replace each other", directory_against_file, {}},
        {"upload", "a special file is UNSUPPORTED", special_source, {}},
        {"upload", "hostile names are kept byte for byte", hostile_names, {}},
        {"upload", "malformed paths are refused", bad_paths, {}},
        {"upload", "dots inside a path are normalised", dots_inside_are_fine, {}},
        {"upload", "links in the sandbox are resolved in the sandbox", links_inside_stay_inside, {}},
        {"upload", "1,000 small files arrive", many_small_files, {}},
        {"upload", "cancelled beforehand nothing is written", cancelled_beforehand, {}},
        {"upload", "what was uploaded belongs to the sandbox", owner_may_change_it, {}},
    };
}

}  // namespace berth::inline host_v1::conformance
