/** Wrangler imports HTML as text. */
declare module "*.html" {
  const html: string;
  export default html;
}
