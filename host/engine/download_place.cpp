// How a download writes: directories opened below the target without following a link, temporary names, renames.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "beneath.hpp"
#include "diagnostics.hpp"
#include "download.hpp"

namespace berth::inline host_v1 {

void HostFileSink::open_root() {
    root_.reset(::open(operation().local_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root_) throw failure("open this directory", errno, {});
    open_directory_.reset();
}

int HostFileSink::parent() {
    if (current_->path.empty()) return current_->top_parent.get();
    return open_directory_.get();  // place_below opened it
}

int HostFileSink::directory_below(const std::string& path) {
    if (open_directory_ && open_path_ == path) return open_directory_.get();
    auto opened = open_directory_beneath(root_.get(), path);
    if (opened.error_number == ENOENT) {
        make_directories(path);
        opened = open_directory_beneath(root_.get(), path);
    }
    if (!opened.descriptor) throw failure("write below this directory", opened.error_number, path);
    open_directory_ = std::move(opened.descriptor);
    open_path_ = path;
    return open_directory_.get();
}

void HostFileSink::make_directories(const std::string& path) {
    for (std::size_t begin = 0; begin <= path.size();) {
        const auto slash = std::min(path.find('/', begin), path.size());
        const auto above = open_directory_beneath(root_.get(), path.substr(0, begin == 0 ? 0 : begin - 1));
        if (!above.descriptor) throw failure("write below this directory", above.error_number, path);
        const auto step = path.substr(begin, slash - begin);
        if (::mkdirat(above.descriptor.get(), step.c_str(), 0777) != 0 && errno != EEXIST)
            throw failure("make this directory", errno, path.substr(0, slash));
        begin = slash + 1;
    }
}

std::string HostFileSink::next_temporary() {
    return ".berth-" + token_ + "-" + std::to_string(temporaries_++);
}

void HostFileSink::create_file() {
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    do {
        current_->temporary = next_temporary();
        current_->file.reset(::openat(parent(), current_->temporary.c_str(), flags, 0600));
    } while (!current_->file && errno == EEXIST);
    if (!current_->file) {
        const int failed = errno;
        current_->temporary.clear();
        throw failure("make this file", failed, current_->path);
    }
}

void HostFileSink::rename_into_place() {
    if (::renameat(parent(), current_->temporary.c_str(), parent(), current_->name.c_str()) != 0)
        throw failure("put this file in its place", errno, current_->path);
    current_->temporary.clear();
    current_->file.reset();
}

void HostFileSink::discard() noexcept {
    if (!current_) return;
    if (!current_->temporary.empty()) ::unlinkat(parent(), current_->temporary.c_str(), 0);
    current_.reset();
    incomplete_ = true;
}

std::string HostFileSink::host_path(std::string_view below) const {
    auto path = operation().local_path;
    if (below.empty()) return path;
    if (!path.ends_with('/')) path += '/';
    return path.append(below);
}

Error HostFileSink::failure(std::string_view act, int error_number, std::string_view below) const {
    const auto path = host_path(below);
    switch (error_number) {
        case ELOOP:
        case EXDEV:
            return file_error(engine_diagnostics::link_in_the_way, Code::path_escape,
                              "a link on this machine stands where the sandbox's files are to go", path, operation_,
                              "Remove the link, or copy to an empty directory");
        case EISDIR:
            return file_error(engine_diagnostics::target_is_directory, Code::is_directory,
                              "a file cannot be put in the place of this directory", path, operation_);
        case ENOTDIR:
            return file_error(engine_diagnostics::target_not_directory, Code::not_directory,
                              "a directory cannot be put in the place of this file", path, operation_);
        default:
            return file_system_error(engine_diagnostics::cannot_write, act, error_number, path, operation_);
    }
}

}  // namespace berth::inline host_v1
