#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace vambrace {

// What an image says of how a container of it starts.
struct ImageSettings {
  std::string id;  // "sha256:..."
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::vector<std::string> environment;  // "PATH=/bin"
  std::string folder = "/";              // the working directory
};

// What `docker image inspect` prints of one image.
Result<ImageSettings> parse_image_settings(std::string_view text);

// The root of a Docker image, unpacked into a private folder that is there as
// long as this is.
//
// Nothing of the image runs: a container is made, exported and removed. Images
// are not fetched. Files are unpacked by tar(1), which makes no file outside of
// the folder whatever the names and links in the archive are; the folder is its
// owner's alone, so that nobody finds a program or device in it.
//
// Folder and container are removed also if this process is interrupted or
// killed: a child that waits for its end does that.
class ImageRoot {
 public:
  // NotFound if Docker has no such image, Unavailable without Docker or tar.
  // `below`: where the private folder is made, with room for the image.
  static Result<ImageRoot> open(const std::string& name,
                                const std::string& below);

  ImageRoot(ImageRoot&& other) noexcept;
  ImageRoot& operator=(ImageRoot&&) = delete;
  // Returns when all is removed.
  ~ImageRoot();

  const std::string& folder() const { return root_; }
  const ImageSettings& settings() const { return settings_; }

 private:
  ImageRoot() = default;

  ImageSettings settings_;
  std::string root_;
  Fd alive_;  // closed: the cleaner begins
  pid_t cleaner_ = -1;
};

}  // namespace vambrace
