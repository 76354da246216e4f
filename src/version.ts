// The package's version, for what is kept between loads. A test holds it equal to package.json's.

export const VERSION = "0.1.0";
