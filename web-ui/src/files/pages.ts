// The pages about files, fetched together when the first of them is opened.

export { FolderPage } from "./folder_page";
export { EditVodPage, NewVodPage } from "./form";
export { FilesPage } from "./page";
