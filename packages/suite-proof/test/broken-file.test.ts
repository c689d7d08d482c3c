import { describeBroken } from './broken.ts';

describeBroken('file');
