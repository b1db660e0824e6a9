// download_files: docs/contract.md 3.8. The sandbox is not trusted.
#include <sys/stat.h>

#include <filesystem>

#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

DownloadReport download(Context& context, std::string sandbox_path, std::string local_path) {
    const std::vector<FileOperation> files{FileOperation{std::move(local_path), std::move(sandbox_path), {}, {}}};
    return context.host().download_files(context.shared(), files, Context::bounded());
}

void file(Context& context) {
    const auto path = context.unique_path("down");
    context.output_of(context.shared(), "printf 'a\\000b\\377' > " + path + "; chmod 640 " + path);
    const HostDirectory host;
    const auto report = download(context, path, host.path("new/parents/file"));
    context.equal(host.read("new/parents/file"), std::string("a\0b\xff", 4), "bytes");
    context.equal(report.files, std::uint64_t{1}, "files in the report");
    struct stat found {};
    context.expect(::stat(host.path("new/parents/file").c_str(), &found) == 0 && (found.st_mode & 07777U) == 0640U,
                   "permission bits are kept");
}

void directory(Context& context) {
    const auto top = context.unique_path("tree");
    context.output_of(context.shared(), "mkdir -p " + top + "/sub/empty && echo A > " + top + "/a && echo B > " + top +
                                            "/sub/b && ln -s sub/b " + top + "/link && ln -s /etc/passwd " + top +
                                            "/out");
    const HostDirectory host;
    download(context, top, host.path("copy"));
    context.equal(host.read("copy/a") + host.read("copy/sub/b"), std::string("A\nB\n"), "files");
    context.expect(std::filesystem::is_directory(host.root() / "copy/sub/empty"), "an empty directory");
    context.equal(std::filesystem::read_symlink(host.root() / "copy/link").string(), std::string("sub/b"), "a link");
    context.equal(std::filesystem::read_symlink(host.root() / "copy/out").string(), std::string("/etc/passwd"),
                  "a link is recreated, not followed");
}

void missing(Context& context) {
    const HostDirectory host;
    const auto error = context.refused(
        Code::file_not_found, [&] { download(context, context.unique_path("nothing"), host.path("file")); },
        "a missing sandbox file");
    context.expect(error.fields().path.has_value(), "the error names the path");
    context.expect(host.names().empty(), "no empty local file is left");
}

void existing_is_replaced(Context& context) {
    const auto path = context.unique_path("new");
    context.output_of(context.shared(), "printf new > " + path);
    const HostDirectory host;
    host.write("file", "a longer old content");
    download(context, path, host.path("file"));
    context.equal(host.read("file"), std::string("new"), "content");
}

void kinds_collide(Context& context) {
    const auto path = context.unique_path("one");
    const auto tree = context.unique_path("tree");
    context.output_of(context.shared(), "echo x > " + path + "; mkdir " + tree);
    const HostDirectory host;
    host.write("file", "kept");
    std::filesystem::create_directory(host.root() / "directory");
    context.refused(
        Code::is_directory, [&] { download(context, path, host.path("directory")); }, "a file onto a directory");
    context.refused(
        Code::not_directory, [&] { download(context, tree, host.path("file")); }, "a directory onto a file");
    context.equal(host.read("file"), std::string("kept"), "the file is untouched");
}

void link_at_the_top(Context& context) {
    const auto path = context.unique_path("real");
    context.output_of(context.shared(), "echo real > " + path + "; ln -s " + path + " " + path + ".link");
    const HostDirectory host;
    download(context, path + ".link", host.path("file"));
    context.expect(!std::filesystem::is_symlink(host.root() / "file"), "a link at the path itself is followed");
    context.equal(host.read("file"), std::string("real\n"), "content");
}

void host_links_are_not_written_through(Context& context) {
    const auto top = context.unique_path("trap");
    context.output_of(context.shared(), "mkdir -p " + top + "/sub && echo evil > " + top + "/sub/file");
    const HostDirectory host;
    host.write("outside/file", "precious");
    std::filesystem::create_directories(host.root() / "target");
    std::filesystem::create_directory_symlink(host.root() / "outside", host.root() / "target/sub");
    try {
        download(context, top, host.path("target"));
    } catch (const Error&) {
        // Refusing is as good as replacing the link; writing through it is not.
    }
    context.equal(host.read("outside/file"), std::string("precious"), "what lies behind a host link");
}

void planted_links(Context& context) {
    // The sandbox offers a link and then a file of the same directory: the host must not follow its own new link.
    const auto top = context.unique_path("planted");
    const HostDirectory host;
    host.write("victim/file", "precious");
    context.output_of(context.shared(), "mkdir " + top + " && ln -s '" + host.path("victim") + "' " + top + "/a");
    download(context, top, host.path("copy"));
    context.equal(host.read("victim/file"), std::string("precious"), "a host path named by a link");
    context.expect(std::filesystem::is_symlink(host.root() / "copy/a"), "the link is only a link");
}

void special_files(Context& context) {
    const auto top = context.unique_path("special");
    context.output_of(context.shared(), "mkdir " + top + " && mkfifo " + top + "/fifo && echo x > " + top + "/file");
    const HostDirectory host;
    const auto report = download(context, top, host.path("copy"));
    context.equal(report.skipped_special_files, std::uint64_t{1}, "met in a directory they are counted");
    context.equal(host.read("copy/file"), std::string("x\n"), "the rest is there");
    context.refused(
        Code::unsupported, [&] { download(context, top + "/fifo", host.path("fifo")); }, "named directly");
}

void set_id_bits_are_dropped(Context& context) {
    const auto path = context.unique_path("setid");
    context.output_of(context.shared(), "echo x > " + path + "; chmod 4755 " + path);
    const HostDirectory host;
    download(context, path, host.path("file"));
    struct stat found {};
    context.expect(::stat(host.path("file").c_str(), &found) == 0, "the file is there");
    context.equal(found.st_mode & 07777U, 0755U, "mode");
}

void empty_and_relative(Context& context) {
    const auto path = context.unique_path("empty");
    const auto cwd = context.output_of(context.shared(), ": > " + path + "; pwd | tr -d '\\n'");
    const HostDirectory host;
    download(context, path, host.path("relative"));
    download(context, cwd + "/" + path, host.path("absolute"));
    context.equal(host.read("relative") + host.read("absolute"), std::string(), "an empty file by both paths");
}

void several_at_once(Context& context) {
    const auto path = context.unique_path("several");
    context.output_of(context.shared(), "echo 1 > " + path + "1; echo 2 > " + path + "2");
    const HostDirectory host;
    const std::vector<FileOperation> files{FileOperation{host.path("one"), path + "1", {}, {}},
                                           FileOperation{host.path("two"), path + "2", {}, {}},
                                           FileOperation{host.path("three"), path + "3", {}, {}}};
    const auto error = context.refused(
        Code::file_not_found, [&] { context.host().download_files(context.shared(), files, Context::bounded()); },
        "one of three is missing");
    context.expect(error.fields().index == std::uint64_t{2}, "the error names the index");
    context.equal(host.read("one") + host.read("two"), std::string("1\n2\n"), "earlier ones stay");
}

void unreadable(Context& context) {
    const auto path = context.unique_path("secret");
    context.output_of(context.shared(), "echo x > " + path + "; chmod 000 " + path);
    if (context.shell(context.shared(), "cat " + path).exit_code == 0) throw Skipped("processes there read every file");
    const HostDirectory host;
    context.refused(
        Code::permission_denied, [&] { download(context, path, host.path("file")); }, "an unreadable file");
}

}  // namespace

std::vector<Case> download_cases() {
    return {
        {"download", "a file arrives with its bytes and mode", file, {}},
        {"download", "a directory arrives with links and empty directories", directory, {}},
        {"download", "a missing file leaves nothing", missing, {}},
        {"download", "an existing file is replaced", existing_is_replaced, {}},
        {"download", "files and directories do not replace each other", kinds_collide, {}},
        {"download", "a link at the sandbox path itself is followed", link_at_the_top, {}},
        {"download", "links of the host are not written through", host_links_are_not_written_through, {}},
        {"download", "links of the sandbox cannot reach the host", planted_links, {}},
        {"download", "special files are counted, or UNSUPPORTED by name", special_files, {}},
        {"download", "set-id bits are dropped", set_id_bits_are_dropped, {}},
        {"download", "empty files and both kinds of path", empty_and_relative, {}},
        {"download", "one of several is named", several_at_once, {}},
        {"download", "an unreadable file is PERMISSION_DENIED", unreadable, {}},
    };
}

}  // namespace berth::inline host_v1::conformance
