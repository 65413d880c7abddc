#ifndef MARATHON_BASE_SHIPPED_H
#define MARATHON_BASE_SHIPPED_H

/* Where a file is that comes with the programs, for messages that are read in a checkout and beside
 * an installed package: deploy/CMakeLists.txt installs it under these names. FILE is a literal. */
#define SHIPPED(file)     "deploy/" file " (of the package: /usr/share/marathon/" file ")"
#define SHIPPED_DOC(file) "deploy/" file " (of the package: /usr/share/doc/marathon/" file ")"

#endif
